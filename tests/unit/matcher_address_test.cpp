// Where portals are told to find a matcher.
#include "services/matcher/address.hpp"

#include <gtest/gtest.h>

namespace zhida::matcher {
namespace {

matcher_config listening(std::string host, std::string url = "") {
    matcher_config c;
    c.host = std::move(host);
    c.url = std::move(url);
    return c;
}

TEST(matcher_address, is_the_url_or_made_of_host_and_port) {
    EXPECT_EQ(registered_url(listening("10.0.0.7"), 7001), "http://10.0.0.7:7001");
    EXPECT_EQ(registered_url(listening("fd00::7"), 7001), "http://[fd00::7]:7001");
    EXPECT_EQ(registered_url(listening("0.0.0.0", "http://m1:7001"), 7002), "http://m1:7001");
}

TEST(matcher_address, a_default_one_is_reached_from_its_own_host_alone) {
    EXPECT_TRUE(only_on_this_host({}));
    EXPECT_TRUE(only_on_this_host(listening("::1")));
    EXPECT_FALSE(only_on_this_host(listening("10.0.0.7")));
    EXPECT_FALSE(only_on_this_host(listening("127.0.0.1", "http://m1:7001")));
}

} // namespace
} // namespace zhida::matcher
