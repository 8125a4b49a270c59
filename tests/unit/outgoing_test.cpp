#include "services/gateways/outgoing.hpp"
#include "services/gateways/udh_refs.hpp"

#include <gtest/gtest.h>

#include <set>

namespace zhida::gateways::wire {
namespace {

send_result part(send_outcome outcome, std::string code = "", std::vector<std::string> ids = {}) {
    send_result r;
    r.outcome = outcome;
    r.code = std::move(code);
    r.detail = "why";
    r.message_ids = std::move(ids);
    return r;
}
send_result of(std::vector<send_result> parts) {
    part_results all(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        EXPECT_FALSE(all.settled());
        all.settle(i, parts[i]);
    }
    EXPECT_TRUE(all.settled());
    return all.combined();
}

TEST(part_results, a_message_is_accepted_when_all_its_parts_are) {
    using enum send_outcome;
    const auto r = of({part(accepted, "cmpp:0", {"a"}), part(accepted, "cmpp:0", {"b"})});
    EXPECT_EQ(r.outcome, accepted);
    EXPECT_EQ(r.message_ids, (std::vector<std::string>{"a", "b"}));
}

TEST(part_results, doubt_wins_and_keeps_the_ids_that_are_known) {
    using enum send_outcome;
    const auto r = of({part(accepted, "cmpp:0", {"a"}), part(unknown), part(rejected, "cmpp:13")});
    EXPECT_EQ(r.outcome, unknown);
    EXPECT_EQ(r.message_ids, (std::vector<std::string>{"a", "", ""})) << "a part keeps its place";
    EXPECT_EQ(r.detail, "part 2 of 3: why");
}

TEST(part_results, a_message_taken_in_part_is_never_tried_again_as_a_whole) {
    using enum send_outcome;
    for (const auto other : {retry, stopped}) {
        const auto r = of({part(accepted, "cmpp:0", {"a"}), part(other, "cmpp:8")});
        EXPECT_EQ(r.outcome, rejected);
        EXPECT_EQ(r.code, "partial:cmpp:8");
    }
}

TEST(part_results, a_message_of_which_nothing_was_taken_may_be) {
    using enum send_outcome;
    auto later = part(retry, "cmpp:8");
    later.retry_after = milliseconds(700);
    EXPECT_EQ(of({part(retry), later}).outcome, retry);
    EXPECT_EQ(of({part(retry), later}).retry_after, milliseconds(700));
    EXPECT_EQ(of({part(retry), part(stopped, "cmpp:7")}).outcome, stopped);
    EXPECT_EQ(of({part(retry), part(rejected, "cmpp:13")}).outcome, rejected);
}

TEST(part_results, another_gateway_gets_only_what_this_one_took_nothing_of) {
    using enum send_outcome;
    auto elsewhere = part(rejected, "cmpp:9");
    elsewhere.reroute = true;
    EXPECT_TRUE(of({elsewhere, elsewhere}).reroute);
    EXPECT_FALSE(of({part(accepted, "cmpp:0", {"a"}), elsewhere}).reroute);
    EXPECT_FALSE(of({part(unknown), elsewhere}).reroute);
    EXPECT_FALSE(of({part(rejected, "cmpp:13"), elsewhere}).reroute);
}

TEST(part_results, the_first_answer_counts) {
    using enum send_outcome;
    part_results all(1);
    all.settle(0, part(unknown));
    all.settle(0, part(accepted, "cmpp:0", {"late"}));
    EXPECT_EQ(all.combined().outcome, unknown);
    EXPECT_TRUE(all.combined().message_ids.empty());
}

TEST(udh_refs, two_texts_to_one_phone_differ) {
    udh_refs refs(7);
    std::set<int> of_one;
    for (int i = 0; i < 256; ++i) of_one.insert(refs.next("13800000001"));
    EXPECT_EQ(of_one.size(), 256U);
    // A round to so many people that one counter for all would repeat itself.
    std::vector<int> first;
    int same = 0;
    for (int round = 0; round < 2; ++round)
        for (std::size_t i = 0; i < 1024; ++i) {
            const int ref = refs.next("1380000" + std::to_string(1000 + i));
            if (round == 0)
                first.push_back(ref);
            else
                same += ref == first[i];
        }
    EXPECT_EQ(same, 0);
}

} // namespace
} // namespace zhida::gateways::wire
