// An emergency goes out at night: that is remarked in its history, once, before it happens. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"
#include "services/dispatcher/quiet_hours.hpp"

#include <string>

namespace zhida::scheduler {

// It is quiet now, the campaign goes out all the same, on a channel that can wake somebody, and its history
// does not say so yet.
bool overrides_quiet(const campaign& c, dispatcher::quiet_hours q, wall_time now) noexcept;
// The remark: the hours, and who approved the campaign. Chinese.
std::string override_note(const campaign& c, const dispatch_config& settings);

} // namespace zhida::scheduler
