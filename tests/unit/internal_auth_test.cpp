// What roles of one installation believe of one another.
#include "services/internal_auth.hpp"

#include "common/store/matchers.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

const auto now = wall_time(milliseconds(1'780'000'000'000));

crypto::sealer sealer_of(char digit) {
    return crypto::sealer::from_hex_key(std::string(64, digit)).value();
}

TEST(internal_auth, takes_the_very_request_from_who_has_the_key_within_a_minute) {
    const internal_auth ours(sealer_of('a')), other(sealer_of('b'));
    const auto header = ours.header("POST", "/internal/v1/%E4%B8%AD?b=2&a=1%202", "{}", now);
    const std::map<std::string, std::string> query{{"a", "1 2"}, {"b", "2"}};
    const auto right = [&](const internal_auth& by, wall_time at) {
        return by.right(header, "POST", "/internal/v1/中", query, "{}", at);
    };
    EXPECT_TRUE(right(ours, now));
    EXPECT_TRUE(right(ours, now + std::chrono::seconds(60)));
    EXPECT_TRUE(right(ours, now - std::chrono::seconds(60)));
    EXPECT_FALSE(right(ours, now + std::chrono::seconds(61)));
    EXPECT_FALSE(right(ours, now - std::chrono::seconds(61)));
    EXPECT_FALSE(right(other, now));
    EXPECT_FALSE(ours.right(header, "GET", "/internal/v1/中", query, "{}", now));
    EXPECT_FALSE(ours.right(header, "POST", "/internal/v1/国", query, "{}", now));
    EXPECT_FALSE(ours.right(header, "POST", "/internal/v1/中", {}, "{}", now));
    EXPECT_FALSE(ours.right(header, "POST", "/internal/v1/中", query, "{ }", now));
    auto later = header;
    later[std::string("Zhida-HMAC 17800000").size()] = '5'; // the time is authenticated too
    EXPECT_FALSE(ours.right(later, "POST", "/internal/v1/中", query, "{}", now));
    for (const char* broken :
         {"", "Bearer x", "Zhida-HMAC", "Zhida-HMAC ", "Zhida-HMAC 1780000000", "Zhida-HMAC 1780000000 ",
          "Zhida-HMAC x y", "Zhida-HMAC -9223372036854775808 x"})
        EXPECT_FALSE(ours.right(broken, "POST", "/internal/v1/中", query, "{}", now)) << broken;
}

TEST(matcher_registration, is_believed_only_as_it_was_signed_and_in_its_time) {
    const store::matcher_registration about{
        "ab12", "http://127.0.0.1:7001", now.time_since_epoch().count(), {0, 3}};
    const auto text = store::to_registered(about, now + std::chrono::seconds(4), "key");
    const auto read = [&](std::string_view t, wall_time at = now, const char* instance = "ab12",
                          const char* key = "key") {
        return static_cast<bool>(store::read_registered(instance, t, key, at));
    };
    const auto found = store::read_registered("ab12", text, "key", now).value();
    EXPECT_EQ(found.url, about.url);
    EXPECT_EQ(found.shards, about.shards);
    EXPECT_TRUE(read(text, now + std::chrono::seconds(4 + 60)));
    EXPECT_FALSE(read(text, now + std::chrono::seconds(4 + 61))) << "long over";
    EXPECT_FALSE(read(text, now - std::chrono::seconds(61))) << "from the future";
    EXPECT_FALSE(read(text, now, "ab12", "other"));
    EXPECT_FALSE(read(text, now, "cd34")) << "another's";
    for (const auto& [from, to] :
         {std::pair("7001", "7002"), std::pair("[0,3]", "[0,1]"), std::pair("1780000000000", "1780000000001"),
          std::pair("1780000004000", "1780000004001")}) {
        auto changed = text;
        const auto at = changed.find(from);
        ASSERT_NE(at, std::string::npos) << from << " in " << text;
        changed.replace(at, std::string(from).size(), to);
        EXPECT_FALSE(read(changed)) << changed;
    }
    for (const char* nothing : {"", "[]", "{}", "null"}) EXPECT_FALSE(read(nothing));
}

} // namespace
} // namespace zhida
