#include "services/gateways/reason_class.hpp"

namespace zhida::gateways {

const char* to_string(reason_class c) noexcept {
    switch (c) {
    case reason_class::accepted:
        return "accepted";
    case reason_class::retry:
        return "retry";
    case reason_class::slow_down:
        return "slow_down";
    case reason_class::stop:
        return "stop";
    case reason_class::permanent:
        return "permanent";
    case reason_class::opt_out:
        return "opt_out";
    case reason_class::in_doubt:
        return "in_doubt";
    case reason_class::unknown:
        break;
    }
    return "unknown";
}

} // namespace zhida::gateways
