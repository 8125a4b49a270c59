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

struct date_window {
    std::optional<std::int32_t> start, end; // days, both inclusive
    struct stage {
        std::string name;
        std::optional<std::int32_t> start, end;
    };
    std::vector<stage> stages;
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
    std::string source, source_note;

    bool may_be_pushed() const noexcept { return disclosure == "主动公开"; }
    const policy_item* find_item(std::string_view id) const noexcept;
};

// Reads the document's own form, without the catalogue: every error with its JSON Pointer. Conditions stay
// JSON and are compiled by matching/. Failure: the first error; all of them in `errors`.
result<policy> read_policy(const json& document, std::vector<failure>& errors);

} // namespace zhida
