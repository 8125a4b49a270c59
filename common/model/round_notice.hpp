// What a further round of a campaign says that the first one did not: the same on the page, in an SMS and on
// WeChat. Pure; today: days since 1970-01-01 in Asia/Shanghai.
#pragma once

#include "common/model/policy.hpp"
#include "common/model/reminder.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zhida {

struct round_notice {
    std::string about;                    // what it is about: the title of an item or of the policy
    std::string words;                    // what it says of it: "还有7天截止", "有新的解读“问答”"
    std::string zh, en;                   // the whole of it
    std::optional<std::int32_t> deadline; // the day that `words` count to
};

// kind: of the campaign; reminder: of one that is a reminder. items: bit i is item i of the policy. Nothing
// where the round says what the first one says (first, retry, arrivals, test), or has a text of its own
// (correction).
std::optional<round_notice> notice_of_round(std::string_view kind, const reminder_notice* reminder,
                                            const policy& p, std::uint16_t items, std::int32_t today);

} // namespace zhida
