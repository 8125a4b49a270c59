// Audiences as events: what is told is what is read.
#include "common/store/audit.hpp"

#include "common/model/cloud_event.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

result<frozen_audience> read_back(const frozen_audience& told) {
    const auto messages = audience_messages(told, wall_time{});
    EXPECT_EQ(messages.size(), 1U);
    return read_audience(decode_event(messages[0].headers, messages[0].value).value().data);
}

TEST(audience_event, tells_who_and_which_items) {
    const frozen_audience told{1, "P.v1.r1", {channel::web}, {{7, 1}, {9, 3}}, {{"0:eligible", 2}}, false,
                               0, 0};
    const auto read = read_back(told);
    ASSERT_TRUE(read.has_value()) << read.error().text();
    ASSERT_EQ(read->members.size(), 2U);
    EXPECT_EQ(read->members[1].ordinal, 9U);
    EXPECT_EQ(read->members[1].items, 3U);
    EXPECT_EQ(read->total, 2U);
}

TEST(audience_event, of_nobody_is_one_too) {
    const auto read = read_back({1, "P.v1.r1", {channel::web}, {}, {{"0:eligible", 0}}, false, 0, 0});
    ASSERT_TRUE(read.has_value()) << read.error().text();
    EXPECT_TRUE(read->members.empty());
    EXPECT_EQ(read->verdicts.size(), 1U);
}

TEST(audience_event, without_members_is_refused) {
    const json data = {
        {"campaign", "P.v1.r1"}, {"shard", 1}, {"channels", {"web"}}, {"first", 0}, {"total", 0}};
    EXPECT_EQ(read_audience(data).error().where, "/members");
}

} // namespace
} // namespace zhida
