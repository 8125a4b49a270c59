#include "services/gateways/outgoing.hpp"

#include <algorithm>

namespace zhida::gateways::wire {

void part_results::settle(std::size_t part, send_result r) {
    if (results_[part]) return;
    results_[part] = std::move(r);
    ++settled_;
}

send_result part_results::combined() const {
    send_result out;
    const send_result* first[5] = {};
    std::size_t first_at[5] = {};
    for (std::size_t i = 0; i < results_.size(); ++i) {
        const auto& r = results_[i].value();
        out.message_ids.push_back(r.message_ids.empty() ? "" : r.message_ids.front());
        out.retry_after = std::max(out.retry_after, r.retry_after);
        const auto kind = static_cast<std::size_t>(r.outcome);
        if (first[kind]) continue;
        first[kind] = &r;
        first_at[kind] = i;
    }
    if (std::all_of(out.message_ids.begin(), out.message_ids.end(),
                    [](const auto& id) { return id.empty(); }))
        out.message_ids.clear();
    const auto of = [&](send_outcome o) { return first[static_cast<std::size_t>(o)]; };
    for (const auto o : {send_outcome::unknown, send_outcome::rejected, send_outcome::stopped,
                         send_outcome::retry, send_outcome::accepted}) {
        const auto* why = of(o);
        if (!why) continue;
        out.outcome = o;
        out.code = why->code;
        out.detail = why->detail;
        out.recipient_fault = why->recipient_fault;
        out.reroute = why->reroute && !of(send_outcome::accepted);
        if (results_.size() > 1 && o != send_outcome::accepted)
            out.detail = "part " + std::to_string(first_at[static_cast<std::size_t>(o)] + 1) + " of " +
                         std::to_string(results_.size()) + ": " + out.detail;
        if (of(send_outcome::accepted) && (o == send_outcome::stopped || o == send_outcome::retry)) {
            // Sending all of it again would repeat the parts that were taken.
            out.outcome = send_outcome::rejected;
            out.code = "partial:" + out.code;
        }
        return out;
    }
    return out;
}

} // namespace zhida::gateways::wire
