// What goes into which field of a WeChat template: wechat.template_fields. Pure.
#pragma once

#include "common/base/error.hpp"
#include "services/dispatcher/round_text.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zhida::dispatcher {

class wechat_template {
  public:
    // "thing1=title, date4=date, phrase5='政策推送'": what a field says is title, benefit, issuer, deadline
    // (in words), date (of the deadline), kind (of the round), or words of one's own. invalid: which part is
    // wrong.
    static result<wechat_template> parse(std::string_view fields);

    // In the template's order. `date` is empty where nobody has set a deadline: such a message is not sent,
    // for WeChat takes no empty field.
    std::vector<std::pair<std::string, std::string>> fill(const message_round& round, const policy& p,
                                                          std::uint16_t items, std::int32_t today,
                                                          std::size_t others) const;

  private:
    enum class source : std::uint8_t { title, benefit, issuer, deadline, date, kind, words };
    struct field {
        std::string key;
        source says = source::words;
        std::string words;
    };
    static std::optional<source> source_named(std::string_view name);

    std::vector<field> fields_;
};

} // namespace zhida::dispatcher
