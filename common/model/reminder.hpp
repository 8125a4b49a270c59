// 办事提醒: what one is about, and what it says on whatever day it is read. Pure; days are days since
// 1970-01-01 in Asia/Shanghai.
#pragma once

#include "common/base/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zhida {

enum class reminder_kind : std::uint8_t {
    window_opens,
    stage_opens,
    days_before, // the end of the window, of a stage, or of the policy's validity, whichever ends the claim
    month_opens, // of an item that can be claimed on some days of each month
    month_closes,
    own_deadline,    // so many days after a date of the subject's own
    licence_expires, // on a date of the subject's own
};
const char* to_string(reminder_kind) noexcept;
bool parse(std::string_view text, reminder_kind& out) noexcept;
constexpr bool opens(reminder_kind k) noexcept {
    return k == reminder_kind::window_opens || k == reminder_kind::stage_opens ||
           k == reminder_kind::month_opens;
}

struct reminder_notice {
    std::string item; // its id within the policy
    reminder_kind kind = reminder_kind::window_opens;
    std::int32_t day = 0; // on which it was due
    // The last day; of subjects' own deadlines the first and the last of them.
    std::optional<std::int32_t> first_deadline, last_deadline;
    std::string stage;      // its name; empty: of the whole window
    bool of_policy = false; // the last day is the end of the policy's validity
    // CQL2-JSON over one date attribute: whom it concerns of those for whom the item is. Null: whoever the
    // policy's first round was for.
    json concerns;
};

// What it says of the item: "还有7天截止", "的“第二批”明天截止". today: when it is read, so that a message
// that waited for the morning, or for a second person, counts what is left then.
std::string reminder_words(const reminder_notice&, std::int32_t today);
std::string reminder_title_zh(const reminder_notice&, std::string_view item_title, std::int32_t today);
std::string reminder_title_en(const reminder_notice&, std::string_view item_title, std::int32_t today);

json to_json(const reminder_notice&);
// Every error with its JSON Pointer; what is wrong keeps its default.
reminder_notice read_reminder_notice(json_reader in);

// What is left until a last day, or until the first and the last of several: "还有7天截止", "明天到期",
// "已截止". ends: 截止 or 到期.
std::string days_left_zh(std::int32_t from, std::int32_t to, std::string_view ends);
std::string days_left_en(std::int32_t from, std::int32_t to);

} // namespace zhida
