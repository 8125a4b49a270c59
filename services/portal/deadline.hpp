// How long an item can still be claimed. Pure; dates are days since 1970-01-01 in Asia/Shanghai.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "common/model/policy.hpp"
#include "services/portal/texts.hpp"

#include <optional>
#include <string>

namespace zhida::portal {

struct deadline {
    enum class kind {
        always,  // no date ends it
        open,    // until `end`
        soon,    // until `end`, in at most seven days
        not_yet, // opens on `start`
        closed,  // `end` has passed
    };
    kind now = kind::always;
    std::optional<std::int32_t> start, end;
    std::int32_t days = 0;  // until `end` (open, soon) or `start` (not_yet), since `end` (closed)
    std::string stage;      // of a window in stages: the one that runs now or comes next
    bool of_policy = false; // the date is the end of the policy's validity, not of an application window
};

// The item's window, the stage of it that matters today, and the policy's validity where that ends earlier.
deadline deadline_of(const policy_item& item, const date_window& validity, std::int32_t today);

const char* to_string(deadline::kind) noexcept; // always open soon not_yet closed
json to_json(const deadline& d);
// "还剩 12 天（2026-12-05 截止）", "今天截止", "长期有效", "已截止（2026-01-31）"
std::string deadline_text(const deadline& d, language in);

} // namespace zhida::portal
