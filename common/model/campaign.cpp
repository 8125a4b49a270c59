#include "common/model/campaign.hpp"

#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace zhida {

namespace {

struct names {
    const char* name;
    const char* label;
};
constexpr names states[] = {{"draft", "草稿"},       {"submitted", "待审"},   {"approved", "已批准"},
                            {"scheduled", "已排期"}, {"running", "推送中"},   {"paused", "已暂停"},
                            {"finished", "已完成"},  {"cancelled", "已取消"}, {"withdrawn", "已撤回"}};
constexpr names actions[campaign_action_count] = {
    {"submit", "提交"}, {"approve", "批准"},  {"reject", "退回"}, {"schedule", "排期"},
    {"start", "开始"},  {"pause", "暂停"},    {"resume", "继续"}, {"finish", "完成"},
    {"cancel", "取消"}, {"withdraw", "撤回"}, {"test", "试发"},   {"override_quiet", "静默时段内发送"}};
constexpr names kinds[] = {{"first", "首次推送"},    {"interpretation", "跟踪解读"},
                           {"deadline", "临期提醒"}, {"reminder", "办事提醒"},
                           {"correction", "更正"},   {"retry", "补推"},
                           {"arrivals", "新符合"},   {"test", "试发"}};
constexpr names recipients[] = {
    {"everybody", "全部"}, {"unread", "未读"}, {"reached", "已触达"}, {"failed", "未送达"}};

template <class Enum, std::size_t N>
bool parse_name(const names (&of)[N], std::string_view text, Enum& out) noexcept {
    for (std::size_t i = 0; i < N; ++i)
        if (text == of[i].name) {
            out = static_cast<Enum>(i);
            return true;
        }
    return false;
}

template <std::size_t N>
std::string all_of(const names (&of)[N]) {
    std::string all;
    for (const auto& n : of) all += (all.empty() ? "" : ", ") + std::string(n.name);
    return all;
}

// An optional word of a closed list; what is absent keeps its default.
template <class Enum, std::size_t N>
void read_word(json_reader& in, std::string_view member, const names (&of)[N], Enum& out,
               bool required = false) {
    const auto word = in.text(member, required, 32);
    if (word && !parse_name(of, *word, out))
        in.error_at(member, "'" + shortened(*word) + "' is none of " + all_of(of), "use one of them");
}

void read_channels(json_reader& in, campaign& c) {
    const json* channels = in.array("channels", true, channel_count);
    for (std::size_t i = 0; channels && i < channels->size(); ++i) {
        const auto& entry = (*channels)[i];
        channel via{};
        if (!entry.is_string() || !parse(entry.get_ref<const std::string&>(), via) ||
            std::find(c.channels.begin(), c.channels.end(), via) != c.channels.end())
            in.errors().push_back({errc::invalid, "names an unknown channel, or one twice",
                                   in.at("channels") + "/" + std::to_string(i), "web, sms, wechat"});
        else
            c.channels.push_back(via);
    }
}

void read_routing(json_reader& in, campaign& c) {
    if (!in.object("routing", false)) return;
    auto routing = in["routing"];
    if (const auto mode = routing.text("mode", true, 32); mode && !parse(*mode, c.routing.how))
        routing.error_at("mode", "'" + shortened(*mode) + "' is none of parallel, fallback");
    c.routing.unread_hours =
        static_cast<int>(routing.integer("unread_hours", false, 0, most_unread_hours).value_or(0));
}

void read_history(json_reader& in, campaign& c) {
    const json* steps = in.array("history", false, most_campaign_steps);
    for (std::size_t i = 0; steps && i < steps->size(); ++i) {
        json_reader step((*steps)[i], in.at("history") + "/" + std::to_string(i), in.errors());
        if (!step.is_object()) continue;
        campaign_step s;
        read_word(step, "action", actions, s.action, true);
        s.by = step.text("by", false).value_or("");
        s.role = step.text("role", false, 64).value_or("");
        s.at_ms = step.integer("at_ms", true, 0, INT64_MAX).value_or(0);
        s.note = step.text("note", false).value_or("");
        c.history.push_back(std::move(s));
    }
}

void read_chosen(json_reader& in, campaign& c) {
    const json* chosen = in.array("chosen", false, most_chosen);
    for (std::size_t i = 0; chosen && i < chosen->size(); ++i) {
        json_reader one((*chosen)[i], in.at("chosen") + "/" + std::to_string(i), in.errors());
        if (!one.is_object()) continue;
        chosen_subject s;
        s.id = one.text("id", true, 64).value_or("");
        s.ordinal = static_cast<std::uint32_t>(one.integer("ordinal", true, 0, UINT32_MAX).value_or(0));
        c.chosen.push_back(std::move(s));
    }
}

void read_approval(json_reader& in, campaign& c) {
    c.drafted_by = in.text("drafted_by", false).value_or("");
    c.submitted_by = in.text("submitted_by", false).value_or("");
    c.submitted_ms = in.integer("submitted_ms", false, 0, INT64_MAX).value_or(0);
    c.approved_by = in.text("approved_by", false).value_or("");
    c.approved_ms = in.integer("approved_ms", false, 0, INT64_MAX).value_or(0);
    c.approval_note = in.text("approval_note", false).value_or("");
    const json* reasons = in.array("approval_reasons", false, 16);
    for (std::size_t i = 0; reasons && i < reasons->size(); ++i)
        if ((*reasons)[i].is_string())
            c.approval_reasons.push_back((*reasons)[i].get<std::string>());
        else
            in.errors().push_back(
                {errc::invalid, "must be a text", in.at("approval_reasons") + "/" + std::to_string(i), ""});
}

bool take_number(std::string_view& text, int& out) noexcept {
    const auto [at, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (code != std::errc() || out < 1 || text.front() == '0') return false;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    return true;
}

// "1-d7-20261124"
bool occasion_form(std::string_view text) noexcept {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto day = text.rfind('-');
    if (day == text.npos || text.size() - day != 9) return false;
    if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(day) + 1, text.end(), digit)) return false;
    text = text.substr(0, day);
    const auto kind = text.rfind('-');
    return kind != text.npos && kind > 0 && kind + 1 < text.size();
}

} // namespace

const char* to_string(campaign_state s) noexcept {
    return states[static_cast<int>(s)].name;
}
const char* label(campaign_state s) noexcept {
    return states[static_cast<int>(s)].label;
}
const char* to_string(campaign_action a) noexcept {
    return actions[static_cast<int>(a)].name;
}
const char* label(campaign_action a) noexcept {
    return actions[static_cast<int>(a)].label;
}
bool parse(std::string_view text, campaign_action& out) noexcept {
    return parse_name(actions, text, out);
}
const char* campaign_kind_label(std::string_view kind) noexcept {
    for (const auto& k : kinds)
        if (kind == k.name) return k.label;
    return nullptr;
}
const char* to_string(campaign_recipients r) noexcept {
    return recipients[static_cast<int>(r)].name;
}
bool parse(std::string_view text, campaign_recipients& out) noexcept {
    return parse_name(recipients, text, out);
}

std::string campaign_id(std::string_view policy_id, int version, int round) {
    return std::string(policy_id) + ".v" + std::to_string(version) + ".r" + std::to_string(round);
}

std::string reminder_campaign_id(std::string_view policy_id, int version, std::string_view item,
                                 std::string_view kind, std::int32_t day) {
    auto date = format_date(day);
    std::erase(date, '-');
    return campaign_id(policy_id, version, 1) + "." + std::string(item) + "-" + std::string(kind) + "-" +
           date;
}

std::optional<campaign_id_parts> parse_campaign_id_parts(std::string_view id) {
    // From the right: a policy's id may itself hold ".v1.r1".
    for (auto at = id.rfind(".v"); at != id.npos && at > 0; at = id.rfind(".v", at - 1)) {
        campaign_id_parts out;
        auto rest = id.substr(at + 2);
        if (!take_number(rest, out.version) || !rest.starts_with(".r")) continue;
        rest.remove_prefix(2);
        if (rest.empty() || !take_number(rest, out.round)) continue;
        if (!rest.empty() && (rest.front() != '.' || !occasion_form(rest.substr(1)))) continue;
        out.policy = std::string(id.substr(0, at));
        if (!rest.empty()) out.occasion = std::string(rest.substr(1));
        return out;
    }
    return std::nullopt;
}

bool valid_campaign_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= most_campaign_id && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '_' || c == '-';
    });
}

json to_json(const campaign& c) {
    json channels = json::array(), history = json::array(), chosen = json::array();
    for (const auto& s : c.chosen) chosen.push_back({{"id", s.id}, {"ordinal", s.ordinal}});
    for (const auto via : c.channels) channels.push_back(to_string(via));
    for (const auto& s : c.history)
        history.push_back({{"action", to_string(s.action)},
                           {"by", s.by},
                           {"role", s.role},
                           {"at_ms", s.at_ms},
                           {"note", s.note}});
    return {{"id", c.id},
            {"policy_id", c.policy_id},
            {"policy_version", c.policy_version},
            {"round", c.round},
            {"title", c.title},
            {"issuer", c.issuer},
            {"channels", std::move(channels)},
            {"routing", {{"mode", to_string(c.routing.how)}, {"unread_hours", c.routing.unread_hours}}},
            {"state", to_string(c.state)},
            {"urgency", to_string(c.urgency)},
            {"kind", c.kind},
            {"repeats", c.repeats},
            {"base", c.base},
            {"only", to_string(c.only)},
            {"reminder", c.reminder ? to_json(*c.reminder) : json()},
            {"chosen", std::move(chosen)},
            {"revision", c.revision},
            {"not_before_ms", c.not_before_ms},
            {"expires_ms", c.expires_ms},
            {"created_ms", c.created_ms},
            {"drafted_by", c.drafted_by},
            {"submitted_by", c.submitted_by},
            {"submitted_ms", c.submitted_ms},
            {"approved_by", c.approved_by},
            {"approved_ms", c.approved_ms},
            {"approval_reasons", c.approval_reasons},
            {"approval_note", c.approval_note},
            {"history", std::move(history)}};
}

result<campaign> read_campaign(const json& document) {
    std::vector<failure> errors;
    json_reader in(document, "", errors);
    campaign c;
    if (!in.is_object()) return errors.front();
    c.id = in.text("id", true).value_or("");
    c.policy_id = in.text("policy_id", true).value_or("");
    c.policy_version = static_cast<int>(in.integer("policy_version", true, 1, 1'000'000).value_or(1));
    c.round = static_cast<int>(in.integer("round", true, 1, 1000).value_or(1));
    c.title = in.text("title", true).value_or("");
    c.issuer = in.text("issuer", true).value_or("");
    c.created_ms = in.integer("created_ms", true, 0, INT64_MAX).value_or(0);
    read_word(in, "state", states, c.state, true);
    read_channels(in, c);
    read_routing(in, c);
    if (const auto urgency = in.text("urgency", false, 16); urgency && !parse(*urgency, c.urgency))
        in.error_at("urgency", "'" + *urgency + "' is none of normal, urgent, emergency");
    c.kind = in.text("kind", false, 32).value_or("first");
    if (!campaign_kind_label(c.kind))
        in.error_at("kind", "'" + c.kind + "' is none of " + all_of(kinds), "use one of them");
    c.repeats = in.text("repeats", false, 32).value_or("");
    if (!c.repeats.empty() && !campaign_kind_label(c.repeats))
        in.error_at("repeats", "'" + c.repeats + "' is none of " + all_of(kinds), "use one of them");
    c.base = in.text("base", false).value_or("");
    for (const auto& [member, id] : {std::pair("id", &c.id), std::pair("base", &c.base)})
        if (!id->empty() && !valid_campaign_id(*id))
            in.error_at(member, "'" + shortened(*id) + "' is not the id of a campaign",
                        "at most 128 letters, digits, dots, dashes or underscores");
    if (c.id.empty() && errors.empty()) in.error_at("id", "is empty");
    read_word(in, "only", recipients, c.only);
    if (in.has("reminder") && !document.at("reminder").is_null())
        c.reminder = read_reminder_notice(in["reminder"]);
    read_chosen(in, c);
    c.revision = in.integer("revision", false, 0, INT64_MAX).value_or(0);
    c.not_before_ms = in.integer("not_before_ms", false, 0, INT64_MAX).value_or(0);
    c.expires_ms = in.integer("expires_ms", false, 0, INT64_MAX).value_or(0);
    read_approval(in, c);
    read_history(in, c);
    if (!errors.empty()) return errors.front();
    return c;
}

std::int64_t channel_progress::matched() const noexcept {
    return std::accumulate(states.begin(), states.end(), std::int64_t{0});
}

std::int64_t channel_progress::pending() const noexcept {
    std::int64_t sum = 0;
    for (int s = 0; s < ledger::state_count; ++s)
        if (!ledger::terminal(static_cast<ledger::state>(s))) sum += states[static_cast<std::size_t>(s)];
    return sum;
}

} // namespace zhida
