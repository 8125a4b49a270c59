#include "services/portal/gateway_sum.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>

namespace zhida::portal {

namespace {

constexpr std::array<std::string_view, 5> best_first{"connected", "circuit_open", "connecting", "down",
                                                     "stopped"};
constexpr std::array<std::string_view, 3> worst_first{"open", "half_open", "closed"};

std::string text(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <std::size_t n>
std::size_t rank(const std::array<std::string_view, n>& order, std::string_view word) {
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), word) - order.begin());
}

std::int64_t rates(std::int64_t a, std::int64_t b) {
    if (a == 0 || b == 0) return 0;
    return a < 0 ? b : b < 0 ? a : a + b;
}

} // namespace

json gateway_of_processes(const std::vector<json>& statuses) {
    json sum = statuses.front();
    sum["processes"] = statuses.size();
    sum["states"] = json::object();
    sum["detail"] = "";
    double health = 0;
    std::set<std::string> told;
    for (const auto& s : statuses) {
        auto& states = sum["states"];
        states[text(s, "state")] = states.value(text(s, "state"), 0) + 1;
        if (const auto detail = text(s, "detail"); !detail.empty() && told.insert(detail).second)
            sum["detail"] = text(sum, "detail") + (told.size() > 1 ? "; " : "") + detail;
        health += s.value("health", 1.0);
        if (&s == &statuses.front()) continue;
        for (const char* name : {"sent", "accepted", "rejected", "retried", "unknown", "receipts", "orphans",
                                 "inbound", "connections", "in_flight", "window"})
            sum[name] = sum.value(name, std::int64_t{0}) + s.value(name, std::int64_t{0});
        auto codes = sum.value("codes", json::object());
        const auto more = s.value("codes", json::object());
        for (const auto& [code, count] : more.items())
            codes[code] = codes.value(code, std::int64_t{0}) + count.get<std::int64_t>();
        sum["codes"] = std::move(codes);
        sum["rate_per_s"] =
            rates(sum.value("rate_per_s", std::int64_t{0}), s.value("rate_per_s", std::int64_t{0}));
        for (const char* name : {"receipt_ms", "since_ms"})
            sum[name] = std::max(sum.value(name, std::int64_t{-1}), s.value(name, std::int64_t{-1}));
        if (rank(best_first, text(s, "state")) < rank(best_first, text(sum, "state")))
            sum["state"] = text(s, "state");
        if (rank(worst_first, text(s, "circuit")) < rank(worst_first, text(sum, "circuit")))
            sum["circuit"] = text(s, "circuit");
    }
    sum["health"] = health / static_cast<double>(statuses.size());
    return sum;
}

} // namespace zhida::portal
