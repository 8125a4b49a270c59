#include "services/matcher/policy_log.hpp"

#include "common/base/clock.hpp"
#include "common/model/cloud_event.hpp"
#include "services/publishing.hpp"

#include <algorithm>

namespace zhida::matcher {

namespace {

// Producers set the time of a record, and people are told it.
bool plausible(std::int64_t ms) noexcept {
    constexpr std::int64_t year_2000 = 946'684'800'000, year_2100 = 4'102'444'800'000;
    return year_2000 <= ms && ms < year_2100;
}

} // namespace

void policy_log::add(io::log_record record) {
    policy_event e;
    auto event = decode_event(record.headers, record.value);
    e.record = std::move(record);
    if (wall_time told; event && !plausible(e.record.timestamp_ms) && parse_rfc3339(event->time, told))
        e.record.timestamp_ms = told.time_since_epoch().count();
    if (!event) {
        e.errors.push_back(event.error());
    } else if (event->type != event_type::policy_published) {
        e.errors.push_back({errc::invalid, "event type '" + event->type + "' is not known here", "ce_type",
                            std::string("a published policy has the type ") + event_type::policy_published});
    } else if (!plausible(e.record.timestamp_ms)) {
        e.errors.push_back({errc::invalid,
                            "neither the record nor the event has a time between 2000 and 2100", "ce_time",
                            "set ce_time to the time of publication"});
    } else {
        e.publisher = publisher_of(*event);
        e.document = std::move(event->data);
        auto checked = matching::check_policy(e.document, catalogue_, e.errors);
        if (checked && e.errors.empty()) {
            const auto& p = checked->document;
            const auto text = to_text(e.document);
            auto& [version, content, newest] = newest_[p.id];
            if (p.version < version)
                e.errors.push_back({errc::conflict,
                                    "version " + std::to_string(p.version) + " of policy " + p.id +
                                        " came after version " + std::to_string(version),
                                    "/version", "publish it with a higher version"});
            else if (p.version == version && content != text)
                e.errors.push_back({errc::conflict,
                                    "version " + std::to_string(version) + " of policy " + p.id +
                                        " was published before with other content",
                                    "/version", "raise the version when the content changes"});
            else
                e.repeated = p.version == version;
            if (e.errors.empty()) {
                version = p.version;
                content = text;
                if (!e.repeated) newest = events_.size();
                e.checked = std::move(*checked);
            }
        }
    }
    events_.push_back(std::move(e));
}

std::vector<const policy_event*> policy_log::newest(std::int64_t until) const {
    std::vector<const policy_event*> out;
    if (until >= end()) {
        for (const auto& [id, v] : newest_) out.push_back(&events_[v.event]);
    } else { // as it was before the last events came
        std::map<std::string_view, const policy_event*> by_id;
        for (std::size_t i = 0; i < from(until); ++i)
            if (const auto& e = events_[i]; e.checked && !e.repeated) by_id[e.checked->document.id] = &e;
        for (const auto& [id, e] : by_id) out.push_back(e);
    }
    std::sort(out.begin(), out.end(),
              [](const auto* a, const auto* b) { return a->record.offset < b->record.offset; });
    return out;
}

std::size_t policy_log::from(std::int64_t offset) const noexcept {
    return static_cast<std::size_t>(
        std::lower_bound(events_.begin(), events_.end(), offset,
                         [](const policy_event& e, std::int64_t at) { return e.record.offset < at; }) -
        events_.begin());
}

} // namespace zhida::matcher
