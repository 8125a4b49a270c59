#include "services/gateways/cmpp_outgoing.hpp"
#include "services/gateways/cmpp_receipt.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways::cmpp {
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

TEST(part_results, the_first_answer_counts) {
    using enum send_outcome;
    part_results all(1);
    all.settle(0, part(unknown));
    all.settle(0, part(accepted, "cmpp:0", {"late"}));
    EXPECT_EQ(all.combined().outcome, unknown);
    EXPECT_TRUE(all.combined().message_ids.empty());
}

deliver report_of(const char* stat, const char* done, const char* phone) {
    deliver d;
    d.Registered_Delivery = 1;
    d.Msg_Content =
        encode_report({0xB4C5530000010000, stat, "0001010000", done, phone, 0}, version::v20).value();
    return d;
}

TEST(cmpp_receipt, says_what_a_report_means) {
    const wall_time now(milliseconds(1'800'000'000'000));
    using enum receipt::meaning;
    const std::pair<const char*, receipt::meaning> known[] = {
        {"DELIVRD", delivered}, {"ACCEPTD", intermediate}, {"UNDELIV", failed}, {"EXPIRED", failed},
        {"MK:0001", failed},    {"UNKNOWN", failed},       {"AF:4", failed},    {"", failed}};
    for (const auto& [stat, means] : known) {
        const auto r = receipt_of(report_of(stat, "2611232105", "8613800000001"), "sms", now).value();
        EXPECT_EQ(r.means, means) << stat;
        EXPECT_EQ(r.status, stat);
        EXPECT_EQ(r.gateway, "sms");
        EXPECT_EQ(r.message_id, "b4c5530000010000");
        EXPECT_EQ(r.phone, "13800000001");
        EXPECT_EQ(to_rfc3339(r.at), "2026-11-23T21:05:00.000+08:00");
    }
    EXPECT_EQ(receipt_of(report_of("DELIVRD", "0001010000", "13800000001"), "sms", now)->at, now);
}

TEST(cmpp_receipt, refuses_what_is_no_report) {
    deliver mo;
    mo.Msg_Content = "R";
    EXPECT_FALSE(receipt_of(mo, "sms", {}));
    mo.Registered_Delivery = 1;
    EXPECT_NE(receipt_of(mo, "sms", {}).error().text().find("60 or 71"), std::string::npos);
}

TEST(cmpp_receipt, phone_numbers_lose_their_prefix_only) {
    EXPECT_EQ(plain_phone("+8613800000001"), "13800000001");
    EXPECT_EQ(plain_phone("008613800000001"), "13800000001");
    EXPECT_EQ(plain_phone("8613800000001"), "13800000001");
    EXPECT_EQ(plain_phone("13800000001"), "13800000001");
    EXPECT_EQ(plain_phone("86138"), "86138");
}

} // namespace
} // namespace zhida::gateways::cmpp
