#include "services/gateways/cmpp_auth.hpp"

#include "common/base/crypto.hpp"
#include "tests/support/json_files.hpp"

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

// Of tests/data/cmpp_vectors.json, where their sources are.
json vector_of(const std::string& id) {
    static const auto all =
        tests::read_json_file(tests::in_source("tests/data/cmpp_vectors.json")).at("cmpp_auth");
    for (const auto& v : all)
        if (v.at("id") == id) return v;
    ADD_FAILURE() << "there is no vector " << id;
    return {};
}
std::string text_of(const json& v, const char* name) {
    return v.at(name).get<std::string>();
}
digest source_of(const json& v) {
    return authenticator_source(text_of(v, "Source_Addr"), text_of(v, "secret"),
                                static_cast<std::uint32_t>(std::stoul(text_of(v, "timestamp_str"))));
}

TEST(cmpp_auth, source_and_ismg_match_the_published_values) {
    const auto asked = vector_of("AuthenticatorSource");
    const auto secret = text_of(asked, "secret");
    const auto source = source_of(asked);
    EXPECT_EQ(hex_of(source), text_of(asked, "md5"));
    const auto zero = vector_of("leading-zero timestamp (computed)");
    EXPECT_EQ(hex_of(source_of(zero)), text_of(zero, "md5"));
    EXPECT_EQ(hex_of(authenticator_ismg(0, version::v20, source, secret)),
              text_of(vector_of("AuthenticatorISMG-2.0(1-byte status, gocmpp)"), "md5"));
    EXPECT_EQ(hex_of(authenticator_ismg(0, version::v30, source, secret)),
              text_of(vector_of("AuthenticatorISMG-3.0(4-byte status)"), "md5"));
}

// Implementations disagree about names of fewer than six characters: ours is the bare form, as SMSGate's.
TEST(cmpp_auth, a_short_source_addr_is_hashed_bare) {
    const auto v = vector_of("short Source_Addr divergence (computed)");
    EXPECT_EQ(hex_of(source_of(v)), text_of(v, "md5_unpadded_SMSGate_style"));
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
