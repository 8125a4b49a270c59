#include "services/letters.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

io::log_record letter(json data) {
    cloud_event e;
    e.id = "zhida.policy/0/3";
    e.source = "/zhida/matcher";
    e.type = event_type::dead_letter;
    e.time = "2026-11-27T21:05:00+08:00";
    e.data = std::move(data);
    auto encoded = encode_event(e);
    io::log_record r;
    r.topic = "zhida.deadletter";
    r.offset = 7;
    r.value = encoded.value;
    r.headers = encoded.headers;
    return r;
}

json good() {
    return {{"topic", "zhida.policy"},
            {"partition", 0},
            {"offset", 3},
            {"key", "BS-001"},
            {"errors", json::array({{{"where", "/x"}, {"what", "wrong"}, {"fix", "mend it"}}})},
            {"headers", json::array({json::array({"ce_id", "1"})})},
            {"bytes", 2},
            {"whole", true},
            {"value_base64", "e30="}};
}

TEST(letters, hold_the_record_as_it_came) {
    const auto l = read_letter(letter(good())).value();
    EXPECT_EQ(l.number, 7);
    EXPECT_EQ(l.by, "/zhida/matcher");
    EXPECT_EQ(l.message.topic, "zhida.policy");
    EXPECT_EQ(l.message.key, "BS-001");
    EXPECT_EQ(l.message.value, "{}");
    EXPECT_EQ(l.message.headers, (io::log_headers{{"ce_id", "1"}}));
    ASSERT_EQ(l.errors.size(), 1U);
    EXPECT_EQ(l.errors[0].text(), "/x: wrong (mend it)");
    EXPECT_TRUE(may_replay(l));
}

TEST(letters, are_not_handed_in_where_something_is_lost_or_it_is_not_ours) {
    auto cut = good();
    cut["bytes"] = 900000;
    EXPECT_FALSE(may_replay(read_letter(letter(cut)).value()));
    auto marked = good();
    marked["whole"] = false;
    EXPECT_FALSE(may_replay(read_letter(letter(marked)).value()));
    auto header = good();
    header["headers"][0][1] = std::string(1024, 'x'); // may have been longer
    EXPECT_FALSE(may_replay(read_letter(letter(header)).value()));
    auto wish = good();
    wish["topic"] = "zhida.consent";
    EXPECT_NE(may_replay(read_letter(letter(wish)).value()).error().what.find("late"), std::string::npos);
    for (const char* topic : {"zhida.delivery", "zhida.deadletter", "somebody.elses"}) {
        auto other = good();
        other["topic"] = topic;
        EXPECT_FALSE(may_replay(read_letter(letter(other)).value())) << topic;
    }
}

TEST(letters, of_strangers_are_refused) {
    for (const char* member : {"topic", "partition", "offset", "bytes"}) {
        auto without = good();
        without.erase(member);
        EXPECT_FALSE(read_letter(letter(without))) << member;
    }
    auto broken = good();
    broken["value_base64"] = "%%%";
    EXPECT_FALSE(read_letter(letter(broken)));
    EXPECT_FALSE(read_letter(letter(json::array())));
}

TEST(letters, do_not_steer_a_terminal) {
    EXPECT_EQ(for_terminal("a\x1b]0;title\x07"
                           "b\r\nc\td\x7f"),
              "a ]0;title b \nc\td ");
    EXPECT_EQ(for_terminal("宝山\xc2\x9b"
                           "2J§"),
              "宝山 2J§");
    EXPECT_EQ(for_terminal("\xff").find('\xff'), std::string::npos);
}

} // namespace
} // namespace zhida
