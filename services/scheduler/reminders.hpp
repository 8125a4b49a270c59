// Which 办事提醒 are due: pure. A reminder is known by the id of its campaign, so that it is one campaign
// whoever makes it and however often. Days are days since 1970-01-01 in Asia/Shanghai.
#pragma once

#include "common/base/json.hpp"
#include "common/model/policy.hpp"
#include "common/model/reminder.hpp"
#include "common/model/workdays.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zhida::scheduler {

struct reminder {
    std::size_t item = 0; // index within the policy
    reminder_kind kind = reminder_kind::window_opens;
    std::int32_t day = 0;                       // on which it is due
    int days_before = 0;                        // of all but those that open
    std::optional<std::int32_t> deadline;       // the last day; of a subject's own: the last of them
    std::optional<std::int32_t> first_deadline; // of a subject's own: the first of them
    bool of_policy = false;                     // the last day is the end of the policy's validity
    std::string stage;                          // its name; empty: of the whole window
    std::string campaign;                       // "<policy>.v<version>.r1.<item>-<kind>-<YYYYMMDD>" of `day`
    std::string title_zh, title_en;             // with the days that are left today
    // CQL2-JSON over one date attribute: whom it concerns, to be joined to the item's condition by `and`.
    // Null: whoever the policy's first round was for.
    json concerns;
};

struct due_reminders {
    std::vector<reminder> due; // by item, then by day
    struct overdue {
        reminder what;
        std::string why; // Chinese
    };
    std::vector<overdue> dropped; // their deadline passed while nobody looked
    std::int32_t handled = 0;     // to be given as last_handled the next time; never falls
};

// Those of the days after last_handled up to today; for a new policy last_handled is the day it was published
// here, as its first round says what opens on that day. Looking again, after a clock that went back too,
// gives nothing twice; after an absence, up to a year, nothing is missing but what is overdue. Nothing is due
// of a policy that may not be pushed, and no window opens or closes of what need not be applied for.
due_reminders reminders_due(const policy& p, std::int32_t today, std::int32_t last_handled,
                            const workdays& w);

// As its campaign keeps it.
reminder_notice notice_of(const policy& p, const reminder& r);

} // namespace zhida::scheduler
