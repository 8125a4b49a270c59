// What a recipient reads on SMS and WeChat, by the kind of round: pure.
#pragma once

#include "common/model/reminder.hpp"
#include "services/dispatcher/package_text.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zhida::dispatcher {

struct message_round {
    std::string_view kind = "first";           // of the campaign
    const reminder_notice* reminder = nullptr; // of one that is a reminder
};

// As package_words and wechat_fields, but what is new in a further round comes instead of what the first one
// said: what is left of the window, that there is a new explanation, that it does not hold.
sms_words round_words(const message_round& round, const policy& p, std::uint16_t items, std::int32_t today,
                      const std::string& verify_hint, std::size_t others = 0);
// The last day that such a message names; nothing: none is set, or a correction names none.
std::optional<std::int32_t> round_deadline(const message_round& round, const policy& p, std::uint16_t items,
                                           std::int32_t today);
std::vector<std::pair<std::string, std::string>> wechat_of_round(const message_round& round, const policy& p,
                                                                 std::uint16_t items, std::int32_t today,
                                                                 std::size_t others);

} // namespace zhida::dispatcher
