#include "common/model/campaign_life.hpp"

#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"

#include <algorithm>

namespace zhida {

namespace {

using action = campaign_action;
using state = campaign_state;

bool allowed(state s, action a) noexcept {
    switch (a) {
    case action::submit:
        return s == state::draft;
    case action::approve:
    case action::reject:
        return s == state::submitted;
    case action::schedule:
        return s == state::approved;
    case action::start:
        return s == state::approved || s == state::scheduled;
    case action::pause:
        return s == state::running;
    case action::resume:
        return s == state::paused;
    case action::finish:
        return s == state::running || s == state::paused;
    case action::cancel:
        return !final(s);
    case action::withdraw:
        return s != state::draft && s != state::withdrawn;
    case action::test:
    case action::override_quiet:
        break;
    }
    return false;
}

state after(action a) noexcept {
    switch (a) {
    case action::submit:
        return state::submitted;
    case action::approve:
        return state::approved;
    case action::reject:
        return state::draft;
    case action::schedule:
        return state::scheduled;
    case action::start:
    case action::resume:
        return state::running;
    case action::pause:
        return state::paused;
    case action::finish:
        return state::finished;
    case action::cancel:
        return state::cancelled;
    case action::withdraw:
        return state::withdrawn;
    case action::test:
    case action::override_quiet:
        break;
    }
    return state::draft;
}

std::string local_time(std::int64_t ms) {
    return to_rfc3339(wall_time(milliseconds(ms))).substr(0, 16).replace(10, 1, " ");
}

failure not_allowed(const campaign& c, action a) {
    std::string can;
    for (const auto other : allowed_actions(c.state))
        can += (can.empty() ? "" : "、") + std::string(label(other));
    return {errc::conflict, "任务“" + shortened(c.title) + "”现为“" + label(c.state) + "”，不能" + label(a),
            c.id, can.empty() ? "此状态下不能再做任何操作" : "现在可以：" + can};
}

result<void> may_approve(const campaign& c, const actor& by) {
    const bool rule = by.role == the_rule().role;
    if (rule && !c.approval_reasons.empty())
        return failure{errc::conflict, "此任务须由第二人审批：" + c.approval_reasons.front(), c.id,
                       "请另一人审批"};
    if (rule) return {};
    if (by.name.empty()) return failure{errc::conflict, "审批须记名", c.id, "请用有姓名的账号登录后审批"};
    if (by.name == c.submitted_by || by.name == c.drafted_by)
        return failure{errc::conflict,
                       by.name + (by.name == c.submitted_by ? " 提交了此任务" : " 起草了此任务") +
                           "，不能由本人审批",
                       c.id, "请另一人审批"};
    return {};
}

result<void> in_time(const campaign& c, action a, std::int64_t now_ms) {
    if (a == action::start && now_ms < c.not_before_ms)
        return failure{errc::conflict, "任务定于 " + local_time(c.not_before_ms) + " 开始，时间未到", c.id,
                       "等到那时，或改期"};
    if (expired(c, now_ms) && (a == action::submit || a == action::approve || a == action::schedule))
        return failure{errc::conflict, "任务已于 " + local_time(c.expires_ms) + " 到期，到期后不再发送", c.id,
                       a == action::submit ? "改到期时间" : "退回或取消"};
    return {};
}

// What must be kept longest is who submitted and who approved: the pauses go first.
void remember(std::vector<campaign_step>& history, campaign_step step) {
    history.push_back(std::move(step));
    while (history.size() > most_campaign_steps) {
        const auto pause = std::find_if(history.begin(), history.end(), [](const campaign_step& s) {
            return s.action == action::pause || s.action == action::resume;
        });
        history.erase(pause == history.end() ? history.begin() : pause);
    }
}

} // namespace

std::vector<campaign_action> allowed_actions(campaign_state s) noexcept {
    std::vector<campaign_action> out;
    for (int a = 0; a < campaign_action_count; ++a)
        if (allowed(s, static_cast<action>(a))) out.push_back(static_cast<action>(a));
    return out;
}

result<campaign> apply(const campaign& c, campaign_action a, const actor& by, std::int64_t now_ms,
                       std::string_view note) {
    if (!allowed(c.state, a)) return not_allowed(c, a);
    if (characters(note) > most_campaign_note)
        return failure{errc::invalid, "说明超过 " + std::to_string(most_campaign_note) + " 字", c.id,
                       "请缩短"};
    if (a == action::reject && note.empty())
        return failure{errc::invalid, "退回须说明理由", c.id, "写明要改什么"};
    if (auto timely = in_time(c, a, now_ms); !timely) return timely.error();
    if (a == action::approve)
        if (auto may = may_approve(c, by); !may) return may.error();
    campaign out = c;
    out.state = after(a);
    const auto who = by.name.empty() ? by.role : by.name;
    if (a == action::submit) {
        out.submitted_by = who;
        out.submitted_ms = now_ms;
    } else if (a == action::approve) {
        out.approved_by = who;
        out.approved_ms = now_ms;
        out.approval_note = std::string(note);
    } else if (a == action::reject) { // to be asked again when it is submitted again
        out.submitted_by.clear();
        out.submitted_ms = 0;
        out.approval_reasons.clear();
    }
    remember(out.history, {a, by.name, by.role, now_ms, std::string(note)});
    return out;
}

campaign remarked(campaign c, campaign_action what, const actor& by, std::int64_t now_ms,
                  std::string_view note) {
    remember(c.history, {what, by.name, by.role, now_ms, std::string(note)});
    return c;
}

bool has_step(const campaign& c, campaign_action what) noexcept {
    return std::any_of(c.history.begin(), c.history.end(),
                       [&](const campaign_step& s) { return s.action == what; });
}

std::vector<std::string> comma_separated(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        auto part = text.substr(0, comma);
        text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (!part.empty()) out.emplace_back(part);
    }
    return out;
}

std::vector<approval_reason> approval_needed(const approval_facts& facts, const approval_settings& settings) {
    using kind = approval_reason::kind;
    std::vector<approval_reason> out;
    if (settings.above > 0 && facts.audience > settings.above)
        out.push_back({kind::audience, "受众 " + std::to_string(facts.audience) + "，超过 " +
                                           std::to_string(settings.above)});
    for (const auto& beginning : settings.themes)
        if (!beginning.empty() && facts.theme.starts_with(beginning)) {
            out.push_back({kind::theme, "主题“" + facts.theme + "”须审批"});
            break;
        }
    if (!facts.sensitive_attributes.empty()) {
        std::string labels;
        for (const auto& l : facts.sensitive_attributes) labels += (labels.empty() ? "" : "、") + l;
        out.push_back({kind::attributes, "条件使用个人或敏感信息：" + labels});
    }
    if (facts.urgency == campaign_urgency::emergency)
        out.push_back({kind::emergency, "应急推送，夜间也发送且不受频次限制"});
    return out;
}

result<campaign> submit(const campaign& c, const std::vector<approval_reason>& reasons, const actor& by,
                        std::int64_t now_ms, std::string_view note) {
    auto out = apply(c, action::submit, by, now_ms, note);
    if (!out) return out;
    out->approval_reasons.clear();
    for (const auto& r : reasons) out->approval_reasons.push_back(r.text);
    if (!reasons.empty()) return out;
    return apply(*out, action::approve, the_rule(), now_ms, "按规则自动批准");
}

} // namespace zhida
