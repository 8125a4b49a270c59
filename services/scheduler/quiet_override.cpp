#include "services/scheduler/quiet_override.hpp"

#include "common/model/campaign_life.hpp"

#include <algorithm>

namespace zhida::scheduler {

bool overrides_quiet(const campaign& c, dispatcher::quiet_hours q, wall_time now) noexcept {
    const bool wakes =
        std::any_of(c.channels.begin(), c.channels.end(), [](channel via) { return via != channel::web; });
    return c.urgency == campaign_urgency::emergency && c.state == campaign_state::running && wakes &&
           dispatcher::quiet_until(q, now) && !has_step(c, campaign_action::override_quiet);
}

std::string override_note(const campaign& c, const dispatch_config& settings) {
    auto note = "应急推送，静默时段（" + settings.quiet_from + "至" + settings.quiet_until + "）内照常发送";
    note += c.approved_by.empty() || c.approved_by == the_rule().role ? "；未经人工审批"
                                                                      : "；批准人：" + c.approved_by;
    return note;
}

} // namespace zhida::scheduler
