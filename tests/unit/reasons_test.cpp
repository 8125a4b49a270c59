// The reason tables: complete, of one mind with what is done, and with what docs/gateways.md says.
#include "services/gateways/aliyun_codes.hpp"
#include "services/gateways/cmpp_results.hpp"
#include "services/gateways/cmpp_stats.hpp"
#include "services/gateways/smpp_results.hpp"
#include "services/gateways/tencent_codes.hpp"
#include "services/gateways/wechat_codes.hpp"
#include "services/gateways/wecom_codes.hpp"
#include "services/receipts.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace zhida::gateways {
namespace {

std::string as_table(const std::vector<code_reason>& reasons) {
    std::string out = "| code | class | 中文 |\n|---|---|---|\n";
    for (const auto& r : reasons)
        out += "| `" + r.code + "` | `" + to_string(r.means) + "` | " + r.words + " |\n";
    return out;
}
// The table of the section with this title.
std::string documented(const std::string& title) {
    std::ifstream in(tests::in_source("docs/gateways.md"), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto section = text.find("## " + title + "\n");
    if (section == std::string::npos) return "no section " + title;
    const auto from = text.find("| code |", section);
    const auto to = text.find("\n\n", from);
    return text.substr(from, to == std::string::npos ? to : to + 1 - from);
}

TEST(reasons, the_documented_tables_are_those_of_the_code) {
    EXPECT_EQ(documented("CMPP: Result of CMPP_SUBMIT_RESP"), as_table(cmpp::result_reasons()));
    EXPECT_EQ(documented("CMPP: Stat of a status report"), as_table(cmpp::stat_reasons()));
    EXPECT_EQ(documented("SMPP: command_status of submit_sm_resp"), as_table(smpp::result_reasons()));
    EXPECT_EQ(documented("SMPP: stat of a delivery receipt"), as_table(smpp::stat_reasons()));
    EXPECT_EQ(documented("WeChat: errcode of template/send"), as_table(wechat_reasons()));
    EXPECT_EQ(documented("WeCom: errcode of message/send and webhook/send"), as_table(wecom_reasons()));
    EXPECT_EQ(documented("Aliyun: Code of SendSms"), as_table(aliyun::reasons()));
    EXPECT_EQ(documented("Aliyun: err_code of a receipt"), as_table(aliyun::receipt_reasons()));
    EXPECT_EQ(documented("Tencent: Code of SendSms"), as_table(tencent::reasons()));
    EXPECT_EQ(documented("Tencent: errmsg of a receipt"), as_table(tencent::receipt_reasons()));
}

TEST(reasons, each_code_is_named_once_and_has_words) {
    for (const auto& table : {cmpp::result_reasons(), cmpp::stat_reasons(), smpp::result_reasons(),
                              smpp::stat_reasons(), wechat_reasons(), wecom_reasons(), aliyun::reasons(),
                              aliyun::receipt_reasons(), tencent::reasons(), tencent::receipt_reasons()}) {
        std::set<std::string> codes;
        for (const auto& r : table) {
            EXPECT_TRUE(codes.insert(r.code).second) << r.code;
            EXPECT_FALSE(r.words.empty()) << r.code;
        }
    }
}

void expect_agree(send_outcome outcome, reason_class means, const std::string& code) {
    using enum reason_class;
    const std::set<reason_class> allowed = outcome == send_outcome::accepted  ? std::set{accepted}
                                           : outcome == send_outcome::retry   ? std::set{retry, slow_down}
                                           : outcome == send_outcome::stopped ? std::set{stop}
                                           : outcome == send_outcome::unknown
                                               ? std::set{in_doubt}
                                               : std::set{permanent, opt_out, unknown};
    EXPECT_TRUE(allowed.contains(means)) << code << " " << to_string(means);
}

TEST(reasons, the_class_says_what_is_done) {
    for (std::uint32_t code = 0; code < 200; ++code) {
        const auto& r = cmpp::reaction_to(code);
        expect_agree(r.outcome, r.means, std::to_string(code));
        EXPECT_EQ(r.slow_channel, r.means == reason_class::slow_down);
    }
    for (std::uint32_t code = 0; code < 0x500; ++code) {
        const auto& r = smpp::reaction_to(code);
        expect_agree(r.outcome, r.means, std::to_string(code));
        EXPECT_EQ(r.slow_channel, r.means == reason_class::slow_down);
    }
    for (const auto& line : wechat_reasons()) {
        const auto& r = wechat_reaction_to(line.code == "*" ? 12345 : std::stoll(line.code));
        expect_agree(r.outcome, r.means, line.code);
        const std::string fault = r.recipient_fault;
        EXPECT_EQ(fault == "refused" || fault == "not_following", r.means == reason_class::opt_out)
            << line.code;
    }
    for (const auto& line : wecom_reasons()) {
        const auto& r = wecom_reaction_to(line.code == "*" ? 12345 : std::stoll(line.code));
        expect_agree(r.outcome, r.means, line.code);
        EXPECT_EQ(r.then == wecom_reaction::next::slow_down, r.means == reason_class::slow_down) << line.code;
        EXPECT_EQ(std::string(r.recipient_fault) == "not_following", r.means == reason_class::opt_out)
            << line.code;
    }
    for (const bool of_aliyun : {true, false})
        for (const auto& line : of_aliyun ? aliyun::reasons() : tencent::reasons()) {
            const auto& r = of_aliyun ? aliyun::reaction_to(line.code) : tencent::reaction_to(line.code);
            EXPECT_EQ(r.code, line.code);
            expect_agree(r.outcome, r.means, line.code);
            EXPECT_EQ(r.channel == cloud_reaction::pause::slow_channel, r.means == reason_class::slow_down)
                << line.code;
            EXPECT_EQ(r.outcome == send_outcome::retry, r.when != cloud_reaction::again::none) << line.code;
            EXPECT_EQ(r.outcome == send_outcome::stopped,
                      r.channel == cloud_reaction::pause::until_mended ||
                          r.channel == cloud_reaction::pause::until_midnight)
                << line.code;
            EXPECT_EQ(std::string(r.recipient_fault) == "refused", r.means == reason_class::opt_out)
                << line.code;
        }
}

TEST(reasons, a_status_is_read_by_its_code_then_by_its_letters) {
    using meaning = receipt::meaning;
    EXPECT_EQ(cmpp::reaction_to_stat("DELIVRD").meaning, meaning::delivered);
    EXPECT_EQ(cmpp::reaction_to_stat("ACCEPTD").meaning, meaning::intermediate);
    EXPECT_EQ(cmpp::reaction_to_stat("UNDELIV").means, reason_class::permanent);
    EXPECT_EQ(cmpp::reaction_to_stat("DB:0141").means, reason_class::opt_out);
    EXPECT_EQ(cmpp::reaction_to_stat("DB:0140").means, reason_class::unknown);
    EXPECT_EQ(cmpp::reaction_to_stat("MO:0008").means, reason_class::slow_down);
    EXPECT_EQ(cmpp::reaction_to_stat("MA:0001").means, reason_class::retry);
    for (const auto* other : {"", "DELIVR", "AF:4", "mk:0001", "XX:9999"}) {
        EXPECT_EQ(cmpp::reaction_to_stat(other).means, reason_class::unknown) << other;
        EXPECT_EQ(cmpp::reaction_to_stat(other).meaning, meaning::failed) << other;
    }
}

// Of events that were written before receipts carried their fault.
TEST(reasons, of_a_status_are_those_of_the_ledger) {
    const auto why = [](const char* status, channel via = channel::sms) {
        const auto place = store::to_text(store::message_place{1, "P.v1.r1", via, 3, 1, 1});
        std::vector<failure> errors;
        const auto r = read_receipt(
            {{"status", status}, {"means", "failed"}, {"at_ms", 1'795'000'000'000}, {"place", place}},
            errors);
        return r ? record_of(*r).why : ledger::reason::none;
    };
    EXPECT_EQ(why("MK:0001"), ledger::reason::bad_number);
    EXPECT_EQ(why("DB:0141"), ledger::reason::refused);
    EXPECT_EQ(why("UNDELIV"), ledger::reason::undelivered);
    EXPECT_EQ(why("MK:0001", channel::wechat), ledger::reason::undelivered) << "no code of that platform";
}

} // namespace
} // namespace zhida::gateways
