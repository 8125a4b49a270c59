#include "services/scheduler/reminder_rounds.hpp"

#include <algorithm>

namespace zhida::scheduler {

namespace {

// When the day is over in Shanghai, which is eight hours ahead of UTC.
std::int64_t end_of_day_ms(std::int32_t day) noexcept {
    constexpr std::int64_t hour_ms = 3'600'000;
    return (std::int64_t{day} + 1) * 24 * hour_ms - 8 * hour_ms;
}

// Empty: reminders of it may be made.
std::string why_not(const std::optional<campaign>& first) {
    if (!first) return "没有首次推送";
    switch (first->state) {
    case campaign_state::running:
    case campaign_state::paused:
    case campaign_state::finished:
        return "";
    default:
        return std::string("首次推送现为“") + label(first->state) + "”";
    }
}

campaign round_of(const policy& p, const reminder& r, const campaign& first, std::int64_t now_ms) {
    campaign c;
    c.id = r.campaign;
    c.policy_id = p.id;
    c.policy_version = p.version;
    c.round = first.round;
    c.title = r.title_zh;
    c.issuer = p.issuer;
    c.channels = first.channels;
    c.routing = first.routing;
    c.kind = "reminder";
    c.reminder = notice_of(p, r);
    // Whom it concerns is matched anew; the others are those whom the first round was for.
    if (r.concerns.is_null()) c.base = first.id;
    c.state = campaign_state::draft;
    c.drafted_by = first.drafted_by;
    c.created_ms = now_ms;
    if (r.deadline) c.expires_ms = end_of_day_ms(*r.deadline);
    return c;
}

bool said_later(const std::vector<reminder>& due, const reminder& r) {
    return std::any_of(due.begin(), due.end(), [&](const reminder& other) {
        return other.item == r.item && other.title_zh == r.title_zh && other.concerns == r.concerns &&
               std::tie(other.day, other.campaign) > std::tie(r.day, r.campaign);
    });
}

} // namespace

std::int32_t last_handled_day(std::optional<std::int32_t> kept, std::int32_t received, std::int32_t today) {
    if (!kept) return received;
    // A clock that was set back by a day finds its reminders made.
    const auto believed = *kept > today + 1 ? today - 1 : *kept;
    return std::max(believed, received);
}

reminder_rounds rounds_of(const policy& p, const std::optional<campaign>& first, std::int32_t today,
                          std::int32_t last_handled, const workdays& w, std::int64_t now_ms) {
    const auto found = reminders_due(p, today, last_handled, w);
    reminder_rounds out;
    out.handled = found.handled;
    for (const auto& d : found.dropped) out.overdue.push_back({d.what.campaign, d.why});
    const auto against = why_not(first);
    for (const auto& r : found.due) {
        if (!against.empty())
            out.not_made.push_back({r.campaign, against});
        else if (said_later(found.due, r))
            out.not_made.push_back({r.campaign, "同样的话由后一次提醒说"});
        else
            out.make.push_back(round_of(p, r, *first, now_ms));
    }
    return out;
}

} // namespace zhida::scheduler
