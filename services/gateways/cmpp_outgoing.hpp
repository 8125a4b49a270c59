// One message on its way: its parts and what became of each. Pure.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/sms_text.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zhida::gateways {

struct sms_message {
    std::string phone; // with or without +86
    std::string text;  // UTF-8, signature and opt-out words included
};

// A text cut into its parts once, for as many recipients as it has; a failure: it cannot be sent.
using sms_body = result<std::vector<sms_part>>;
// One recipient's copy of it.
struct sms_copy {
    std::string phone; // as in sms_message
    std::shared_ptr<const sms_body> body;
};

namespace cmpp {

class part_results {
  public:
    explicit part_results(std::size_t parts) : results_(parts) {}

    // The first answer for a part counts.
    void settle(std::size_t part, send_result r);
    bool settled() const noexcept { return open() == 0; }
    std::size_t open() const noexcept { return results_.size() - settled_; }
    // One result for the message, once every part is settled:
    //   accepted  all parts are
    //   unknown   some part is: a receipt may still tell
    //   rejected  some part is; or the gateway took some parts and surely not the others (code "partial:...")
    //   stopped, retry  no part was taken
    send_result combined() const;

  private:
    std::vector<std::optional<send_result>> results_;
    std::size_t settled_ = 0;
};

} // namespace cmpp
} // namespace zhida::gateways
