#include "services/gateways/inbound_parts.hpp"
#include "services/gateways/sms_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace zhida::gateways::wire {
namespace {

using ms = milliseconds;
steady_time at(std::int64_t millis) {
    return steady_time(ms(millis));
}

struct recorder final : confirmer {
    void confirm(const origin&) override {}
};
const auto somebody = std::make_shared<recorder>();
delivery from(std::uint32_t sequence) {
    return {somebody, {sequence, 0}};
}

inbound_part part(std::uint16_t ref, std::uint8_t total, std::uint8_t number, std::string content,
                  std::uint8_t format = 0) {
    return {"13800000001", "10690000", std::move(content), format, ref, total, number};
}
std::string ucs2(const char* text) {
    return segment_sms(text, 0)->front().content;
}
std::vector<std::string> texts(const std::vector<inbound_parts::whole>& all) {
    std::vector<std::string> out;
    for (const auto& w : all) out.push_back(w.text.text);
    return out;
}
using list = std::vector<std::string>;

TEST(inbound_parts, headers_tell_the_place) {
    const struct {
        std::string content;
        std::uint16_t ref;
        std::uint8_t total, number;
        std::string rest;
    } all[] = {
        {{"\x05\x00\x03\xAB\x03\x02xy", 8}, 0xAB, 3, 2, "xy"},
        {{"\x06\x08\x04\x12\x34\x02\x01xy", 9}, 0x1234, 2, 1, "xy"},
        {{"\x09\x05\x02\x01\x02\x00\x03\x07\x02\x02xy", 12}, 7, 2, 2, "xy"}, // ports before it
        {{"\x05\x00\x03\xAB\x02\x03xy", 8}, 0, 1, 1, "xy"},                  // the third of two
        {{"\x05\x00\x03\xAB\x02\x00xy", 8}, 0, 1, 1, "xy"},
        {{"\x05\x00\x09\xAB\x02\x01xy", 8}, 0, 1, 1, "xy"}, // longer than the header
        {{"\x40xy", 3}, 0, 1, 1, ""},
        {"", 0, 1, 1, ""},
    };
    for (const auto& e : all) {
        inbound_part p;
        p.content = e.content;
        take_header(p);
        EXPECT_EQ(p.ref, e.ref);
        EXPECT_EQ(p.total, e.total);
        EXPECT_EQ(p.number, e.number);
        EXPECT_EQ(p.content, e.rest);
    }
}

TEST(inbound_parts, one_part_is_whole_at_once) {
    inbound_parts all("sms");
    const auto w = all.add(part(0, 1, 1, "R"), from(7), wall_time(ms(5)), at(0));
    ASSERT_EQ(w.size(), 1U);
    EXPECT_EQ(w[0].text.gateway, "sms");
    EXPECT_EQ(w[0].text.phone, "13800000001");
    EXPECT_EQ(w[0].text.to, "10690000");
    EXPECT_EQ(w[0].text.text, "R");
    EXPECT_EQ(w[0].text.at, wall_time(ms(5)));
    ASSERT_EQ(w[0].from.size(), 1U);
    EXPECT_EQ(w[0].from[0].at.sequence, 7U);
    EXPECT_TRUE(all.empty());
}

TEST(inbound_parts, any_order_and_repetitions) {
    inbound_parts all("sms");
    EXPECT_TRUE(all.add(part(9, 3, 3, "c"), from(1), {}, at(0)).empty());
    EXPECT_TRUE(all.add(part(9, 3, 1, "a"), from(2), {}, at(1)).empty());
    EXPECT_TRUE(all.add(part(9, 3, 3, "c"), from(3), {}, at(2)).empty()) << "the gateway repeats it";
    const auto w = all.add(part(9, 3, 2, "b"), from(4), {}, at(3));
    EXPECT_EQ(texts(w), list{"abc"});
    EXPECT_EQ(w.at(0).from.size(), 4U) << "each of them is confirmed";
    EXPECT_TRUE(all.empty());
}

TEST(inbound_parts, the_same_reference_of_other_texts) {
    inbound_parts all("sms");
    EXPECT_TRUE(all.add(part(9, 2, 1, "a1"), from(1), {}, at(0)).empty());
    EXPECT_TRUE(all.add(part(9, 2, 1, "b1"), from(2), {}, at(1)).empty()) << "the place is taken";
    auto other = part(9, 2, 2, "c2");
    other.phone = "13800000002";
    EXPECT_TRUE(all.add(other, from(3), {}, at(2)).empty());
    other = part(9, 2, 2, "d2");
    other.to = "106900001";
    EXPECT_TRUE(all.add(other, from(4), {}, at(2)).empty());
    EXPECT_TRUE(all.add(part(9, 3, 2, "e2"), from(5), {}, at(2)).empty());
    EXPECT_EQ(texts(all.add(part(9, 2, 2, "a2"), from(6), {}, at(3))), list{"a1a2"});
    EXPECT_EQ(texts(all.add(part(9, 2, 2, "b2"), from(7), {}, at(4))), list{"b1b2"});
    EXPECT_EQ(texts(all.overdue(at(60002))), (list{"c2", "d2", "e2"}));
}

TEST(inbound_parts, each_part_has_its_format) {
    inbound_parts all("sms");
    EXPECT_TRUE(all.add(part(9, 3, 1, ucs2("请问"), 8), from(1), {}, at(0)).empty());
    EXPECT_TRUE(all.add(part(9, 3, 2, "12345", 0), from(2), {}, at(0)).empty());
    EXPECT_EQ(texts(all.add(part(9, 3, 3, "\xCD\xCB\xB6\xA9", 15), from(3), {}, at(0))),
              list{"请问12345退订"});
}

TEST(inbound_parts, a_character_cut_in_two) {
    inbound_parts all("sms");
    const auto smile = ucs2("😀");
    EXPECT_TRUE(all.add(part(1, 2, 1, smile.substr(0, 2), 8), from(1), {}, at(0)).empty());
    EXPECT_EQ(texts(all.add(part(1, 2, 2, smile.substr(2), 8), from(2), {}, at(0))), list{"😀"});
    EXPECT_TRUE(all.add(part(2, 2, 1, "\xCD", 15), from(1), {}, at(0)).empty());
    EXPECT_EQ(texts(all.add(part(2, 2, 2, "\xCB", 15), from(2), {}, at(0))), list{"退"});
    // Half a unit does not shift the part behind it.
    EXPECT_TRUE(all.add(part(3, 2, 1, ucs2("甲") + "x", 8), from(1), {}, at(0)).empty());
    EXPECT_EQ(texts(all.add(part(3, 2, 2, ucs2("乙"), 8), from(2), {}, at(0))), list{"甲乙"});
}

TEST(inbound_parts, what_stays_in_pieces_is_given_out_after_a_minute) {
    inbound_parts all("sms");
    EXPECT_TRUE(all.add(part(9, 3, 3, "c"), from(1), {}, at(0)).empty());
    EXPECT_TRUE(all.add(part(9, 3, 1, "a"), from(2), {}, at(50000)).empty());
    EXPECT_TRUE(all.overdue(at(59999)).empty());
    const auto w = all.overdue(at(60000));
    EXPECT_EQ(texts(w), list{"ac"});
    EXPECT_EQ(w.at(0).from.size(), 2U);
    EXPECT_TRUE(all.empty());
}

TEST(inbound_parts, what_waits_long_is_confirmed_and_kept_at_the_end) {
    inbound_parts all("sms");
    EXPECT_TRUE(all.add(part(9, 3, 3, "c"), from(1), {}, at(0)).empty());
    EXPECT_TRUE(all.add(part(8, 2, 1, "x"), from(2), {}, at(3000)).empty());
    EXPECT_TRUE(all.unconfirmed(at(4999)).empty());
    const auto late = all.unconfirmed(at(5000));
    ASSERT_EQ(late.size(), 1U);
    EXPECT_EQ(late[0].at.sequence, 1U);
    EXPECT_TRUE(all.unconfirmed(at(5001)).empty()) << "once";
    EXPECT_TRUE(all.add(part(9, 3, 1, "a"), from(3), {}, at(6000)).empty());
    EXPECT_EQ(all.unconfirmed(at(6000)).size(), 1U) << "its text waits already";
    EXPECT_EQ(texts(all.confirmed()), list{"ac"}) << "the gateway still has the other";
    EXPECT_FALSE(all.empty());
}

TEST(inbound_parts, memory_is_bounded) {
    inbound_parts all("sms");
    std::size_t given = 0;
    for (std::size_t i = 0; i < inbound_parts::most + 10; ++i) {
        auto p = part(static_cast<std::uint16_t>(i), 2, 1, "x");
        p.phone = std::to_string(i);
        given += all.add(std::move(p), from(1), {}, at(0)).size();
    }
    EXPECT_EQ(given, 10U) << "the oldest, as they are";
}

// Several texts of one phone with references of their own, their parts in any order, some repeated.
RC_GTEST_PROP(inbound_parts, every_text_comes_whole, ()) {
    inbound_parts all("sms");
    std::vector<inbound_part> parts;
    list expected;
    const auto count = *rc::gen::inRange<std::size_t>(1, 5);
    for (std::size_t t = 0; t < count; ++t) {
        const auto total = *rc::gen::inRange<int>(2, 6);
        std::string text;
        for (int n = 1; n <= total; ++n) {
            const auto piece = std::to_string(t) + "." + std::to_string(n) + ";";
            parts.push_back(part(static_cast<std::uint16_t>(t), static_cast<std::uint8_t>(total),
                                 static_cast<std::uint8_t>(n), piece));
            text += piece;
        }
        expected.push_back(text);
    }
    for (std::size_t i = parts.size(); i > 1; --i)
        std::swap(parts[i - 1], parts[*rc::gen::inRange<std::size_t>(0, i)]);
    list got;
    std::size_t confirmed = 0;
    for (const auto& p : parts)
        for (const auto& w : all.add(p, from(1), {}, at(0))) {
            got.push_back(w.text.text);
            confirmed += w.from.size();
        }
    std::sort(got.begin(), got.end());
    RC_ASSERT(got == expected);
    RC_ASSERT(confirmed == parts.size());
    RC_ASSERT(all.empty());
}

} // namespace
} // namespace zhida::gateways::wire
