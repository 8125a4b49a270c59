// How long an item can still be claimed: what the page, SMS and WeChat all say. Pure; dates are days since
// 1970-01-01 in Asia/Shanghai.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "common/model/policy.hpp"

#include <optional>
#include <string>

namespace zhida {

struct deadline {
    enum class kind {
        unstated, // the document names no end; that is not to say that there is none
        open,     // until `end`
        soon,     // until `end`, in at most seven days
        not_yet,  // opens on `start`
        closed,   // `end` has passed
    };
    kind now = kind::unstated;
    std::optional<std::int32_t> start, end;
    std::int32_t days = 0;  // until `end` (open, soon) or `start` (not_yet), since `end` (closed)
    std::string stage;      // of a window in stages: the one that runs now or comes next
    bool of_policy = false; // the date is the end of the policy's validity, not of an application window
};

// The item's window, the stage of it that matters today, and the policy's validity where that ends earlier.
deadline deadline_of(const policy_item& item, const date_window& validity, std::int32_t today);

// Whether an item takes part on a day: from its publication until its policy's validity or its own window
// ends, whichever is earlier. What has not begun takes part, so that people hear of it in time.
bool stands(const policy& p, const policy_item& item, std::int32_t day);

// The last day on which one of the policy's items still stands; nothing: one of them has no end.
std::optional<std::int32_t> last_day_of(const policy& p);
// When a message about the policy makes no sense any more: the midnight (Asia/Shanghai) after that day, in
// milliseconds since 1970; 0: never. What campaign::expires_ms is set to.
std::int64_t expiry_ms_of(const policy& p);

const char* to_string(deadline::kind) noexcept; // unstated open soon not_yet closed
// {state, start, end, days, stage, of_policy}; dates as texts or null, the last three only where they say
// something.
json to_json(const deadline& d);

} // namespace zhida
