#include "common/model/deadline.hpp"

#include <algorithm>

namespace zhida {

namespace {

constexpr std::int32_t soon_days = 7;

deadline of_dates(std::optional<std::int32_t> start, std::optional<std::int32_t> end, std::int32_t today) {
    deadline out;
    out.start = start;
    out.end = end;
    if (end && today > *end) {
        out.now = deadline::kind::closed;
        out.days = today - *end;
    } else if (start && today < *start) {
        out.now = deadline::kind::not_yet;
        out.days = *start - today;
    } else if (end) {
        out.days = *end - today;
        out.now = out.days <= soon_days ? deadline::kind::soon : deadline::kind::open;
    }
    return out;
}

// The stage that runs today, else the next to open, else the last that closed.
deadline of_window(const date_window& window, std::int32_t today) {
    if (window.stages.empty()) return of_dates(window.start, window.end, today);
    std::optional<deadline> next, last;
    for (const auto& stage : window.stages) {
        auto d = of_dates(stage.start, stage.end, today);
        d.stage = stage.name;
        if (d.now == deadline::kind::not_yet) {
            if (!next || d.days < next->days) next = d;
        } else if (d.now == deadline::kind::closed) {
            if (!last || d.days < last->days) last = d;
        } else {
            return d;
        }
    }
    return next ? *next : *last;
}

} // namespace

deadline deadline_of(const policy_item& item, const date_window& validity, std::int32_t today) {
    auto out = of_window(item.window, today);
    if (!validity.end) return out;
    const bool earlier = !out.end || *validity.end < *out.end;
    if (!earlier || out.now == deadline::kind::closed) return out;
    if (out.now == deadline::kind::not_yet && *validity.end >= *out.start) return out;
    auto of_policy = of_dates(validity.start, validity.end, today);
    of_policy.of_policy = true;
    return of_policy;
}

bool stands(const policy& p, const policy_item& item, std::int32_t day) {
    return p.may_be_pushed() && deadline_of(item, p.valid, day).now != deadline::kind::closed;
}

namespace {

std::optional<std::int32_t> last_day_of(const date_window& window) {
    if (window.stages.empty()) return window.end;
    std::optional<std::int32_t> last;
    for (const auto& stage : window.stages) {
        if (!stage.end) return std::nullopt;
        last = std::max(last, stage.end);
    }
    return last;
}

} // namespace

std::optional<std::int32_t> last_day_of(const policy& p) {
    std::optional<std::int32_t> last;
    for (const auto& item : p.items) {
        auto end = last_day_of(item.window);
        if (p.valid.end) end = end ? std::min(*end, *p.valid.end) : *p.valid.end;
        if (!end) return std::nullopt;
        last = std::max(last, end);
    }
    return last;
}

std::int64_t expiry_ms_of(const policy& p) {
    const auto last = last_day_of(p);
    if (!last) return 0;
    const wall_time midnight{std::chrono::days(*last + 1)};
    return (midnight - std::chrono::hours(8)).time_since_epoch().count();
}

const char* to_string(deadline::kind k) noexcept {
    switch (k) {
    case deadline::kind::unstated:
        return "unstated";
    case deadline::kind::open:
        return "open";
    case deadline::kind::soon:
        return "soon";
    case deadline::kind::not_yet:
        return "not_yet";
    case deadline::kind::closed:
        return "closed";
    }
    return "unstated";
}

json to_json(const deadline& d) {
    json out = {{"state", to_string(d.now)}};
    out["start"] = d.start ? json(format_date(*d.start)) : json();
    out["end"] = d.end ? json(format_date(*d.end)) : json();
    if (d.now != deadline::kind::unstated) out["days"] = d.days;
    if (!d.stage.empty()) out["stage"] = d.stage;
    if (d.of_policy) out["of_policy"] = true;
    return out;
}

} // namespace zhida
