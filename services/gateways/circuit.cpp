#include "services/gateways/circuit.hpp"

#include <algorithm>
#include <bit>
#include <string_view>

namespace zhida::gateways {

service_sign sign_of(const send_result& r) noexcept {
    const std::string_view code = r.code;
    const bool not_asked = code.starts_with("local:") || code.ends_with(":encode");
    switch (r.outcome) {
    case send_outcome::accepted:
        return service_sign::serves;
    case send_outcome::rejected:
        return not_asked ? service_sign::nothing : service_sign::serves;
    case send_outcome::stopped:
        return service_sign::nothing;
    case send_outcome::unknown: // with a code of the gateway it did answer, though not clearly
        return code.empty() || code.starts_with("local:") || code.starts_with("http:") ? service_sign::ails
                                                                                       : service_sign::serves;
    case send_outcome::retry:
        break;
    }
    constexpr std::string_view broken[] = {
        "local:not_connected", "local:no_token",  "local:not_taken", "wechat:-1", "smpp:8",
        "wechat:40001",        "wechat:40014",    "wechat:42001",    "wecom:-1",  "wecom:40014",
        "wecom:42001",         "local:no_answer", "local:unreadable"};
    const bool ails = code.starts_with("http:") ||
                      std::find(std::begin(broken), std::end(broken), code) != std::end(broken);
    return ails ? service_sign::ails : service_sign::nothing;
}

circuit::state circuit::at(steady_time now) const noexcept {
    return closed_ ? state::closed : now < until_ ? state::open : state::half_open;
}

bool circuit::ready(steady_time now) const noexcept {
    const auto s = at(now);
    if (s != state::half_open) return s == state::closed;
    return !granted_ || now >= *granted_ + limits_.answer_within;
}

std::size_t circuit::grant(std::size_t wanted, steady_time now) noexcept {
    if (wanted == 0 || !ready(now)) return 0;
    if (closed_) return wanted;
    granted_ = now;
    return 1;
}

void circuit::hear(service_sign s, steady_time now, double uniform) noexcept {
    const auto is = at(now);
    if (is == state::open) return;
    if (is == state::half_open) {
        if (s == service_sign::ails) return open(now, uniform);
        granted_.reset();
        if (s == service_sign::nothing) return;
        closed_ = true;
        failed_in_a_row_ = served_in_a_row_ = 0;
        last_ = 0;
    }
    if (s == service_sign::nothing) return;
    const bool failed = s == service_sign::ails;
    failed_in_a_row_ = failed ? failed_in_a_row_ + 1 : 0;
    served_in_a_row_ = failed ? 0 : std::min(served_in_a_row_ + 1, limits_.proven);
    if (served_in_a_row_ == limits_.proven) openings_ = 0;
    const auto kept = limits_.window >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << limits_.window) - 1;
    last_ = (last_ << 1 | (failed ? 1 : 0)) & kept;
    if (failed_in_a_row_ >= limits_.in_a_row || std::popcount(last_) >= limits_.failures) open(now, uniform);
}

void circuit::open(steady_time now, double uniform) noexcept {
    const auto doublings = std::min(openings_, 30);
    openings_ = std::min(openings_ + 1, 1000);
    const auto most = std::min<std::int64_t>(limits_.longest.count(), limits_.shortest.count() << doublings);
    closed_ = false;
    granted_.reset();
    // Spread over the upper half, so that processes with the same account do not try at the same moment.
    until_ = now + milliseconds(static_cast<std::int64_t>(static_cast<double>(most) * (0.5 + uniform / 2)));
}

milliseconds circuit::remaining(steady_time now) const noexcept {
    return at(now) == state::open ? until_ - now : milliseconds(0);
}

} // namespace zhida::gateways
