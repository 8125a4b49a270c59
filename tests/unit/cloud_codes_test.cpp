// The clouds' code tables, and the waits that they ask for.
#include "services/gateways/aliyun_codes.hpp"
#include "services/gateways/tencent_codes.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

wall_time at(const char* rfc3339) {
    wall_time t{};
    EXPECT_TRUE(parse_rfc3339(rfc3339, t));
    return t;
}
std::int64_t seconds(milliseconds t) {
    return t.count() / 1000;
}

TEST(cloud_codes, a_name_counts_before_a_beginning) {
    EXPECT_STREQ(aliyun::reaction_to("Throttling.User").code, "Throttling.*");
    EXPECT_STREQ(aliyun::reaction_to("Throttling").code, "Throttling");
    EXPECT_STREQ(aliyun::reaction_to("isv.NOBODY_KNOWS").code, "*");
    EXPECT_STREQ(aliyun::reaction_to("").code, "*");
    EXPECT_STREQ(tencent::reaction_to("InternalError.Timeout").code, "InternalError.Timeout");
    EXPECT_STREQ(tencent::reaction_to("InternalError.New").code, "InternalError.*");
    EXPECT_EQ(tencent::reaction_to("InternalError.RequestTimeException").outcome, send_outcome::stopped);
    EXPECT_STREQ(tencent::reaction_to("AuthFailure.SecretIdNotFound").code, "AuthFailure.*");
}

TEST(cloud_codes, nothing_in_doubt_is_tried_again) {
    for (const auto* code : {"isp.SYSTEM_ERROR", "ServiceUnavailable", "InternalError"})
        EXPECT_EQ(aliyun::reaction_to(code).outcome, send_outcome::unknown) << code;
    for (const auto* code :
         {"InternalError.Timeout", "InternalError.SendAndRecvFail", "InternalError.UnknownError"})
        EXPECT_EQ(tencent::reaction_to(code).outcome, send_outcome::unknown) << code;
}

TEST(cloud_codes, waits) {
    using again = cloud_reaction::again;
    const auto noon = at("2026-11-23T12:00:00+08:00");
    EXPECT_EQ(seconds(wait_of(again::as_said, "触发分钟级流控Permits:1", noon)), 60);
    EXPECT_EQ(seconds(wait_of(again::as_said, "触发小时级流控Permits:5", noon)), 3600);
    EXPECT_EQ(seconds(wait_of(again::as_said, "触发天级流控Permits:10", noon)), 86400);
    EXPECT_EQ(seconds(wait_of(again::as_said, "frequency limit of the day", noon)), 86400);
    EXPECT_EQ(seconds(wait_of(again::as_said, "", noon)), 3600);
    EXPECT_EQ(seconds(wait_of(again::half_minute, "", noon)), 30);
    EXPECT_EQ(seconds(wait_of(again::none, "", noon)), 0);
    EXPECT_EQ(seconds(until_shanghai_midnight(noon)), 12 * 3600);
    EXPECT_EQ(seconds(until_shanghai_midnight(at("2026-11-24T00:00:00+08:00"))), 86400);
}

TEST(cloud_codes, marketing_waits_for_the_morning) {
    using again = cloud_reaction::again;
    EXPECT_EQ(seconds(wait_of(again::morning, "", at("2026-11-23T22:30:00+08:00"))), 9 * 3600 + 31 * 60);
    EXPECT_EQ(seconds(wait_of(again::morning, "", at("2026-11-24T00:00:00+08:00"))), 8 * 3600 + 60);
    EXPECT_EQ(seconds(wait_of(again::morning, "", at("2026-11-24T07:59:00+08:00"))), 120);
    EXPECT_EQ(seconds(wait_of(again::morning, "", at("2026-11-24T08:00:30+08:00"))), 600)
        << "the vendor's clock is late";
}

} // namespace
} // namespace zhida::gateways
