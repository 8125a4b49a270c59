// The policy document (config/schemas/policy.schema.json): what a department publishes.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/profile.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zhida {

enum class channel : std::uint8_t { web = 0, sms = 1, wechat = 2 };
inline constexpr int channel_count = 3;
const char* to_string(channel) noexcept; // "web", "sms", "wechat"
bool parse(std::string_view text, channel& out) noexcept;

enum class campaign_urgency : std::uint8_t {
    normal,
    urgent,    // goes before what is normal
    emergency, // and at night, and beyond the caps
};
const char* to_string(campaign_urgency) noexcept; // "normal", "urgent", "emergency"
const char* label(campaign_urgency) noexcept;     // Chinese
bool parse(std::string_view text, campaign_urgency& out) noexcept;

// How the channels of a campaign follow one another; their order is that of its channels.
struct channel_routing {
    enum class mode : std::uint8_t {
        parallel, // all at once
        fallback, // each has its turn when the ones before it did not reach the recipient
    };
    mode how = mode::parallel;
    // fallback: so long may a message be unread until the next channel has its turn; 0: only where it failed.
    int unread_hours = 0;
    bool operator==(const channel_routing&) const = default;
};
inline constexpr int most_unread_hours = 720;
const char* to_string(channel_routing::mode) noexcept; // "parallel", "fallback"
bool parse(std::string_view text, channel_routing::mode& out) noexcept;

struct date_window {
    std::optional<std::int32_t> start, end; // days, both inclusive
    struct stage {
        std::string name;
        std::optional<std::int32_t> start, end;
    };
    std::vector<stage> stages;
};

// A date of each subject's own: that of the attribute, and so many days.
struct subject_deadline {
    std::string attribute; // of type date
    int days = 0;          // 0..3650
    bool operator==(const subject_deadline&) const = default;
};

// When an item's recipients are reminded, besides when its window and its stages open.
struct item_reminders {
    std::vector<int> days_before{30, 7, 1}; // of each deadline; 0..365, 0 being the day itself
    bool working_days = false;              // they are counted in working days
    struct days_of_month {
        int from = 1, to = 31; // both included; the last day of a month that is shorter
        bool operator==(const days_of_month&) const = default;
    };
    std::optional<days_of_month> monthly;           // it can be claimed on these days of each month
    std::optional<subject_deadline> within_days_of; // 自某日起若干天内办理
    std::optional<subject_deadline> expires_from;   // 证照有效期至; days is 0
};

struct policy_item {
    std::string id; // unique within the policy, "1"
    std::string title;
    subject_type subject = subject_type::enterprise;
    json eligibility; // CQL2-JSON
    std::map<std::string, std::pair<std::string, std::string>>
        labels;                                             // pointer within eligibility -> (text, clause)
    std::string benefit;                                    // one line
    std::vector<std::pair<std::string, std::string>> tiers; // (when, what)
    std::string mode;                                       // 申请享受 | 免申即享 | 直接享受
    date_window window;
    item_reminders reminders;
    std::vector<std::string> materials;
    std::vector<std::string> exclusions; // 不重复享受 and the like
    std::string apply_channel, link, contact;
};

struct interpretation {
    std::string kind; // 文字 | 图解 | 视频 | 问答
    std::string title, text, url;
    int round = 1;
};

enum class push_reach : std::uint8_t {
    eligible, // only 符合
    decided,  // and those for whom only manual conditions are open (the default)
    possible, // and those for whom data is missing
};

struct policy {
    std::string schema; // "zhida.policy/1"
    std::string id;     // [A-Za-z0-9._-]{1,40}
    int version = 1;
    std::string title, doc_no, issuer, level, region, theme;
    std::string disclosure; // 主动公开 | 依申请公开 | 不予公开
    std::optional<std::int32_t> published;
    date_window valid;
    std::vector<policy_item> items; // 1..16
    std::vector<interpretation> interpretations;
    std::vector<channel> channels; // where to push; default all
    push_reach reach = push_reach::decided;
    campaign_urgency urgency = campaign_urgency::normal;
    channel_routing routing;
    std::string source, source_note;

    bool may_be_pushed() const noexcept { return disclosure == "主动公开"; }
    const policy_item* find_item(std::string_view id) const noexcept;
};

// Reads the document's own form, without the catalogue: every error with its JSON Pointer. Conditions stay
// JSON and are compiled by matching/. Failure: the first error; all of them in `errors`.
result<policy> read_policy(const json& document, std::vector<failure>& errors);

} // namespace zhida
