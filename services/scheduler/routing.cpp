#include "services/scheduler/routing.hpp"

#include "common/model/campaign_recipients.hpp"

#include <algorithm>
#include <cstddef>

namespace zhida::scheduler {

namespace {

using ledger::reason;
using ledger::record;
using ledger::state;

constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

enum class standing {
    failed,    // the next one may try
    under_way, // it is being sent
    told,      // it went out, and was not opened
    opened,
    cancelled,
};

standing standing_of(const record& r) noexcept {
    if (opened(r)) return standing::opened;
    switch (r.now) {
    case state::queued:
    case state::held:
    case state::submitting:
        return standing::under_way;
    case state::submitted:
    case state::unknown:
    case state::delivered:
        return standing::told;
    case state::failed:
    case state::expired:
        return standing::failed;
    case state::suppressed: // within another message, or as it was said before
        if (r.why == reason::not_needed) return standing::opened;
        return r.why == reason::merged || r.why == reason::duplicate ? standing::told : standing::failed;
    case state::cancelled:
        return standing::cancelled;
    }
    return standing::under_way;
}

std::uint32_t since(const record& r) noexcept {
    return r.now == state::submitted ? r.first_submitted : r.at; // its `at` is an epoch
}

std::uint32_t later_by(std::uint32_t from, int hours) noexcept {
    const auto at = std::uint64_t{from} + static_cast<std::uint64_t>(std::max(hours, 0)) * 3600;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(at, never - 1));
}

// What one that was told says to the others: true once it no longer holds them back.
struct patience {
    bool over = false;
    bool reached = false; // then they are not needed
    std::uint32_t until = never;
};
patience patience_with(const record& r, const routing_facts& f) noexcept {
    if (f.unread_hours > 0) {
        const auto until = later_by(since(r), f.unread_hours);
        return {f.now >= until, false, until};
    }
    const bool sure = r.now == state::delivered || r.now == state::suppressed;
    const auto until = sure ? f.now : later_by(since(r), receipt_hours);
    return {f.now >= until, true, until};
}

} // namespace

channel_turns whose_turn(std::span<const record> in_order, const routing_facts& f) noexcept {
    channel_turns out;
    bool any_opened = false, any_cancelled = false, held_back = false, any_waits = false;
    for (const auto& r : in_order) {
        if (waits_its_turn(r)) {
            any_waits = true;
            any_opened = any_opened || opened(r);
            continue;
        }
        switch (standing_of(r)) {
        case standing::failed:
            break;
        case standing::under_way:
            held_back = true;
            break;
        case standing::told:
            if (const auto p = patience_with(r, f); !p.over) {
                held_back = true;
                out.next = std::min(out.next, p.until);
            } else if (p.reached) {
                any_opened = true;
            }
            break;
        case standing::opened:
            any_opened = true;
            break;
        case standing::cancelled:
            any_cancelled = true;
            break;
        }
    }
    if (!any_waits) return {};
    const bool expired = f.expires != 0 && f.now >= f.expires;
    if (f.expires != 0) out.next = std::min(out.next, f.expires);
    const auto rest = any_opened      ? channel_turn::suppress
                      : any_cancelled ? channel_turn::cancel
                      : expired       ? channel_turn::expire
                      : held_back     ? channel_turn::wait
                                      : channel_turn::release; // of the first one alone
    bool released = false;
    for (std::size_t i = 0; i < in_order.size() && i < out.of.size(); ++i) {
        if (!waits_its_turn(in_order[i])) continue;
        out.of[i] = rest == channel_turn::release && released ? channel_turn::wait : rest;
        released = true;
    }
    // Final turns leave nothing to wait for; what was released says itself when it is done.
    if (rest != channel_turn::wait && rest != channel_turn::release) out.next = never;
    return out;
}

record after_turn(const record& r, channel_turn t, std::uint32_t now) noexcept {
    auto to = r;
    switch (t) {
    case channel_turn::none:
    case channel_turn::wait:
        return r;
    case channel_turn::release: // `at` 0 would wait for ever
        to.at = std::max<std::uint32_t>(now, 1);
        return to;
    case channel_turn::suppress:
        to.now = state::suppressed;
        to.why = reason::not_needed;
        break;
    case channel_turn::expire:
        to.now = state::expired;
        to.why = reason::none;
        break;
    case channel_turn::cancel:
        to.now = state::cancelled;
        to.why = reason::none;
        break;
    }
    to.at = now;
    return to;
}

channel_order order_of(std::span<const channel> campaign, std::span<const channel> preferred) noexcept {
    channel_order out{};
    std::size_t n = 0;
    std::array<bool, channel_count> taken{};
    const auto size = std::min<std::size_t>(campaign.size(), channel_count);
    const auto take = [&](std::size_t i) {
        if (taken[i] || n == out.size()) return;
        taken[i] = true;
        out[n++] = static_cast<std::uint8_t>(i);
    };
    for (const auto via : preferred)
        for (std::size_t i = 0; i < size; ++i)
            if (campaign[i] == via) take(i);
    for (std::size_t i = 0; i < out.size(); ++i) take(i);
    return out;
}

routed route(std::span<const std::string_view> ledgers, const routing_facts& f,
             const std::map<std::uint32_t, channel_order>& preferred) {
    routed out;
    out.changes.resize(ledgers.size());
    const auto channels = std::min<std::size_t>(ledgers.size(), channel_count);
    if (channels == 0) return out;
    auto size = ledgers[0].size();
    for (const auto& l : ledgers) size = std::min(size, l.size());
    const auto count = static_cast<std::uint32_t>(size / ledger::record_size);
    channel_order own{};
    for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::uint8_t>(i);
    auto preference = preferred.begin();
    std::array<record, channel_count> row;
    for (std::uint32_t position = 0; position < count; ++position) {
        const auto* order = &own;
        while (preference != preferred.end() && preference->first < position) ++preference;
        if (preference != preferred.end() && preference->first == position) order = &preference->second;
        std::array<std::size_t, channel_count> from{};
        std::size_t n = 0;
        bool any_waits = false;
        for (const auto c : *order) {
            if (c >= channels) continue;
            from[n] = c;
            row[n] = ledger::decode(ledgers[c].data() + std::size_t{position} * ledger::record_size);
            any_waits = any_waits || waits_its_turn(row[n]);
            ++n;
        }
        if (!any_waits) continue;
        const auto t = whose_turn({row.data(), n}, f);
        out.next = std::min(out.next, t.next);
        for (std::size_t i = 0; i < n; ++i)
            if (t.of[i] != channel_turn::none && t.of[i] != channel_turn::wait)
                out.changes[from[i]].push_back({position, after_turn(row[i], t.of[i], f.now)});
    }
    return out;
}

} // namespace zhida::scheduler
