// The caps of the settings: what the dispatcher claims by, and a matcher's preview counts by.
#pragma once

#include "common/base/config.hpp"
#include "common/model/frequency_cap.hpp"
#include "common/model/policy.hpp"

namespace zhida {

inline frequency_cap cap_of(const dispatch_config& c, channel via) noexcept {
    if (via == channel::sms) return {c.sms_per_day, c.sms_per_week};
    if (via == channel::wechat) return {c.wechat_per_day, c.wechat_per_week};
    return {};
}

} // namespace zhida
