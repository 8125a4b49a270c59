#include "services/gateways/cmpp_auth.hpp"

#include "common/base/crypto.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways::cmpp {
namespace {

std::string hex_of(const digest& d) {
    return crypto::hex({reinterpret_cast<const char*>(d.data()), d.size()});
}
wall_time at(const char* text) {
    wall_time t;
    EXPECT_TRUE(parse_rfc3339(text, t)) << text;
    return t;
}

// The values are gocmpp's connect_test.go and recomputed; see tests/data/cmpp_vectors.json (cmpp_auth).
TEST(cmpp_auth, source_and_ismg_match_the_published_values) {
    const auto source = authenticator_source("900001", "888888", 1021080510);
    EXPECT_EQ(hex_of(source), "90d00c1d517abd0b4f65f6bcf8535d16");
    EXPECT_EQ(hex_of(authenticator_source("900001", "888888", 101000005)),
              "0cb40dd04c52adca6453da4f4628828d");
    EXPECT_EQ(hex_of(authenticator_ismg(0, version::v20, source, "888888")),
              "6c0b846e25bab6daa4ed1c466e0f4bd8");
    EXPECT_EQ(hex_of(authenticator_ismg(0, version::v30, source, "888888")),
              "7942977274098cf210ab0c16c367bc8d");
}

// Implementations disagree about names of fewer than six characters: this is the bare form; gocmpp fills up
// to six and gets b75a28534eb02838c7d0361cef9fb185.
TEST(cmpp_auth, a_short_source_addr_is_hashed_bare) {
    EXPECT_EQ(hex_of(authenticator_source("1234", "pw", 101000005)), "9960978fb80a8dcc92eb5394e4457be6");
}

TEST(cmpp_auth, either_form_of_the_status_proves_the_gateway) {
    const auto source = authenticator_source("900001", "888888", 1);
    for (const auto form : {version::v20, version::v30}) {
        connect_resp answer{0, authenticator_ismg(0, form, source, "888888"), 0x20};
        EXPECT_TRUE(ismg_proved(answer, source, "888888"));
        EXPECT_FALSE(ismg_proved(answer, source, "888889"));
        answer.AuthenticatorISMG[15] ^= 1;
        EXPECT_FALSE(ismg_proved(answer, source, "888888"));
    }
}

TEST(cmpp_auth, timestamp_is_beijing_time) {
    EXPECT_EQ(timestamp_of(at("2026-10-21T00:05:10Z")), 1021080510U);
    EXPECT_EQ(timestamp_of(at("2025-12-31T16:00:05Z")), 101000005U); // already New Year in Beijing
}

TEST(cmpp_auth, report_times_go_both_ways_and_nonsense_is_refused) {
    EXPECT_EQ(report_time(at("2026-11-23T21:05:59.900+08:00")), "2611232105");
    wall_time t;
    ASSERT_TRUE(parse_report_time("2611232105", t));
    EXPECT_EQ(to_rfc3339(t), "2026-11-23T21:05:00.000+08:00");
    for (const char* bad : {"0001010000", "", "261123210", "26112321055", "2613232105", "2602302105",
                            "2611232405", "261123216 ", "2611232160"})
        EXPECT_FALSE(parse_report_time(bad, t)) << bad;
}

} // namespace
} // namespace zhida::gateways::cmpp
