// One message on its way: its parts and what became of each. Pure.
#pragma once

#include "services/gateways/sms_gateway.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zhida::gateways::wire {

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

} // namespace zhida::gateways::wire
