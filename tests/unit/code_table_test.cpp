// What an installation says of its own gateways' codes: read, checked, and looked up before the tables.
#include "services/gateways/aliyun_codes.hpp"
#include "services/gateways/cloud_receipts.hpp"
#include "services/gateways/cmpp_protocol.hpp"
#include "services/gateways/cmpp_results.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/smpp_protocol.hpp"
#include "services/gateways/smpp_results.hpp"
#include "services/gateways/tencent_codes.hpp"
#include "services/sms_contents.hpp"
#include "tests/support/json_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace zhida::gateways {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StrEq;
using testing::UnorderedElementsAre;

json row(const char* protocol, const char* code, const char* means, const char* fault = "") {
    return {{"gateway", "*"}, {"protocol", protocol}, {"code", code},
            {"class", means}, {"fault", fault},       {"text", "本地的说法"}};
}
json status(const char* protocol, const char* code, const char* means, const char* fault = "") {
    auto r = row(protocol, code, means, fault);
    r["of"] = "receipt";
    return r;
}
json table(std::vector<json> rows) {
    return {{"schema", "zhida.sms_codes/1"}, {"note", "测试"}, {"codes", std::move(rows)}};
}
code_table read(std::vector<json> rows) {
    std::vector<failure> errors;
    auto t = code_table::read(table(std::move(rows)), errors);
    for (const auto& e : errors) ADD_FAILURE() << e.text();
    return t.value();
}
std::vector<std::string> errors_in(const json& document) {
    std::vector<failure> errors;
    EXPECT_EQ(code_table::read(document, errors).has_value(), errors.empty());
    std::vector<std::string> out;
    for (const auto& e : errors) {
        EXPECT_FALSE(e.fix.empty()) << e.text();
        out.push_back(e.where + ": " + e.what);
    }
    return out;
}

TEST(code_table, comes_without_a_row) {
    std::vector<failure> errors;
    const auto t = code_table::read(tests::config_file("sms_codes.json"), errors);
    ASSERT_TRUE(t) << t.error().text();
    const auto codes = t->of("sms", "cmpp");
    for (const std::uint32_t Result : {0U, 8U, 13U, 100U})
        EXPECT_EQ(codes.of_answer(Result, &cmpp::reaction_to(Result)), &cmpp::reaction_to(Result));
    EXPECT_EQ(codes.fault_of_receipt("MK:0001", "bad_number"), "bad_number");
}

TEST(code_table, tells_every_error_with_its_place) {
    auto misspelt = row("cmpp", "100", "permanent");
    misspelt["faults"] = "content";
    auto wordless = row("cmpp", "101", "permanent");
    wordless["text"] = "";
    auto number = row("cmpp", "102", "permanent");
    number["code"] = 102;
    auto anybody = row("cmpp", "103", "permanent");
    anybody.erase("gateway");
    EXPECT_THAT(
        errors_in(table({misspelt,
                         wordless,
                         number,
                         anybody,
                         row("sgip", "1", "retry"),
                         row("cmpp", "13", "accepted"),
                         row("cmpp", "busy", "retry"),
                         row("cmpp", "199-100", "retry"),
                         row("smpp", "0-5", "retry"),
                         row("cmpp", "4294967296", "retry"),
                         row("aliyun", "isv.*.X", "retry"),
                         row("tencent", "*", "retry"),
                         row("tencent", "Ok", "retry"),
                         status("smpp", "ENROUTE", "permanent"),
                         status("aliyun", "DELIVERED", "permanent"),
                         row("cmpp", "104", "retry", "bad_number"),
                         row("cmpp", "105", "permanent", "refused"),
                         row("cmpp", "106", "opt_out", "content"),
                         row("cmpp", "107", "permanent", "not_following"),
                         status("cmpp", "MK:*", "unknown"),
                         status("cmpp", "MK:0001", "permanent"),
                         "MK"})),
        UnorderedElementsAre(
            "/codes/0/faults: is not a known member", "/codes/1/text: must not be empty",
            HasSubstr("/codes/2/code: "), "/codes/3/gateway: is missing",
            "/codes/4/protocol: 'sgip' is not allowed here", "/codes/5/class: 'accepted' is not allowed here",
            "/codes/6/code: 'busy' is not a number", "/codes/7/code: '199-100' ends before it begins",
            "/codes/8/code: 0 says that the message was taken", "/codes/9/code: '4294967296' is not a number",
            "/codes/10/code: 'isv.*.X' has * where it may not", "/codes/11/code: '*' has * where it may not",
            "/codes/12/code: 'Ok' is no failure", "/codes/13/code: 'ENROUTE' is no failure",
            "/codes/14/code: 'DELIVERED' is no failure", HasSubstr("/codes/15/fault: 'bad_number' blames"),
            "/codes/16/fault: opt_out and refused go together",
            "/codes/17/fault: opt_out and refused go together",
            "/codes/18/fault: 'not_following' is not allowed here",
            "/codes/20/code: 'MK:0001' is never looked up: /codes/19 names it too",
            HasSubstr("/codes/21: ")));
    EXPECT_THAT(errors_in(json::array()), testing::ElementsAre(HasSubstr("/: ")));
    EXPECT_THAT(errors_in({{"schema", "zhida.sms/1"}, {"rows", json::array()}}),
                UnorderedElementsAre("/schema: 'zhida.sms/1' is not allowed here",
                                     "/rows: is not a known member", "/codes: is missing"));
}

TEST(code_table, finds_rows_that_are_never_looked_up) {
    auto of_one = row("cmpp", "100", "retry");
    of_one["gateway"] = "mobile";
    const auto hidden = [](json first, json later) {
        return errors_in(table({std::move(first), std::move(later)})).size();
    };
    EXPECT_EQ(hidden(row("cmpp", "100", "retry"), of_one), 1U);
    EXPECT_EQ(hidden(of_one, row("cmpp", "100", "retry")), 0U) << "others have it still";
    EXPECT_EQ(hidden(row("cmpp", "100-199", "retry"), row("cmpp", "0x64-0x65", "stop")), 1U);
    EXPECT_EQ(hidden(row("cmpp", "100-199", "retry"), row("cmpp", "199-200", "stop")), 0U);
    EXPECT_EQ(hidden(row("cmpp", "100", "retry"), row("smpp", "100", "retry")), 0U);
    EXPECT_EQ(hidden(row("aliyun", "isv.*", "retry"), row("aliyun", "isv.A*", "retry")), 1U);
    EXPECT_EQ(hidden(row("aliyun", "isv.A*", "retry"), row("aliyun", "isv.*", "retry")), 0U);
    EXPECT_EQ(hidden(row("aliyun", "isv.A", "retry"), row("aliyun", "isv.A*", "retry")), 0U);
    EXPECT_EQ(hidden(row("aliyun", "MK:1", "retry"), status("aliyun", "MK:1", "retry")), 0U);
}

TEST(code_table, names_gateways_that_there_are) {
    auto of_one = row("smpp", "0x400", "retry");
    of_one["gateway"] = "mobile";
    const auto t = read({row("tencent", "X", "retry"), of_one});
    sms_config settings; // the one that is named "sms"
    ASSERT_EQ(t.check(settings).size(), 1U);
    EXPECT_EQ(t.check(settings)[0].where, "/codes/1/gateway");
    settings.gateways["mobile"].name = "mobile";
    settings.gateways["mobile"].protocol = "cmpp";
    ASSERT_EQ(t.check(settings).size(), 1U);
    EXPECT_EQ(t.check(settings)[0].where, "/codes/1/protocol");
    settings.gateways["mobile"].protocol = "smpp";
    EXPECT_THAT(t.check(settings), IsEmpty());
}

TEST(code_table, a_file_is_read_with_all_its_errors) {
    const auto folder = std::filesystem::path(testing::TempDir()) / "zhida_code_table";
    std::filesystem::create_directories(folder);
    const auto file = (folder / "sms_codes.json").string();
    const auto loaded = [&](const std::string& text, const sms_config& settings) {
        std::ofstream(file, std::ios::binary) << text;
        return load_sms_codes(folder.string(), settings);
    };
    sms_config settings;
    settings.enabled = true;
    EXPECT_TRUE(loaded(to_text(table({row("cmpp", "100", "slow_down")})), settings));
    EXPECT_THAT(loaded("{", settings).error().text(), HasSubstr(file));
    const auto both =
        loaded(to_text(table({row("cmpp", "x", "stop"), row("cmpp", "y", "stop")})), settings).error().text();
    EXPECT_THAT(both, HasSubstr(file + "#/codes/0/code"));
    EXPECT_THAT(both, HasSubstr(file + "#/codes/1/code"));
    auto of_nobody = row("cmpp", "100", "stop");
    of_nobody["gateway"] = "nobody";
    EXPECT_THAT(loaded(to_text(table({of_nobody})), settings).error().text(),
                HasSubstr(file + "#/codes/0/gateway"));
    settings.enabled = false;
    EXPECT_TRUE(loaded(to_text(table({of_nobody})), settings));
    std::filesystem::remove_all(folder);
    EXPECT_THAT(load_sms_codes(folder.string(), settings).error().text(), HasSubstr("cannot be read"));
}

TEST(code_table, the_documented_example_is_one) {
    std::ifstream in(tests::in_source("docs/gateways.md"), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto fence = text.find("```json\n", text.find("## Codes of your own gateways"));
    const auto from = fence + 8, to = text.find("```", from);
    const auto example = parse_json(text.substr(from, to - from)).value();
    EXPECT_EQ(example["codes"].size(), 2U);
    EXPECT_THAT(errors_in(example), IsEmpty());
}

// The class decides what is done as it does in the tables.
TEST(code_table, a_class_is_what_it_is_in_the_tables) {
    using enum send_outcome;
    using pause = cloud_reaction::pause;
    const struct {
        const char* name;
        send_outcome outcome;
        const char* fault;
        bool slow, alarm;
        pause channel;
    } expected[] = {{"retry", retry, "", false, false, pause::none},
                    {"slow_down", retry, "", true, false, pause::slow_channel},
                    {"stop", stopped, "", false, true, pause::until_mended},
                    {"permanent", rejected, "", false, false, pause::none},
                    {"opt_out", rejected, "refused", false, false, pause::none},
                    {"in_doubt", unknown, "", false, true, pause::none},
                    {"unknown", rejected, "", false, true, pause::none}};
    for (const auto& e : expected) {
        const auto t = read({row("cmpp", "200", e.name), row("aliyun", "X", e.name)});
        const auto wire = t.of("sms", "cmpp");
        const auto& r = *wire.of_answer(200, &cmpp::reaction_to(200));
        EXPECT_EQ(r.outcome, e.outcome) << e.name;
        EXPECT_THAT(r.recipient_fault, StrEq(e.fault)) << e.name;
        EXPECT_EQ(r.slow_channel, e.slow) << e.name;
        EXPECT_EQ(r.alarm, e.alarm) << e.name;
        EXPECT_THAT(to_string(r.means), StrEq(e.name));
        EXPECT_THAT(r.words, StrEq("本地的说法"));
        EXPECT_FALSE(r.reroute);
        const auto cloud = t.of("sms", "aliyun");
        const auto& c = *cloud.of_answer("X", &aliyun::reaction_to("X"));
        EXPECT_EQ(c.outcome, e.outcome) << e.name;
        EXPECT_THAT(c.recipient_fault, StrEq(e.fault)) << e.name;
        EXPECT_EQ(c.channel, e.channel) << e.name;
        EXPECT_EQ(c.when != cloud_reaction::again::none, e.outcome == retry) << e.name;
        EXPECT_EQ(c.alarm, e.alarm) << e.name;
        EXPECT_THAT(to_string(c.means), StrEq(e.name));
    }
}

wire::event answered(const wire::protocol& p, const std::string& frame) {
    wire::event e;
    p.read(frame, {}, e);
    EXPECT_EQ(e.what, wire::event::kind::submit_answered);
    return e;
}

TEST(code_table, cmpp_results) {
    sms_gateway_config settings;
    settings.name = "mobile";
    auto mine = row("cmpp", "100", "slow_down");
    mine["gateway"] = "mobile";
    const auto t = read({mine, row("cmpp", "100-199", "stop"), row("cmpp", "13", "permanent", "content")});
    const auto reaction = [&](std::uint32_t Result) {
        const cmpp::protocol p(settings, t.of(settings));
        const auto e =
            answered(p, cmpp::encode({5, cmpp::version::v30, cmpp::submit_resp{77, Result}}).value());
        EXPECT_EQ(e.code, Result);
        EXPECT_EQ(e.message_id.empty(), Result != 0);
        return std::tuple(e.reaction->outcome, e.reaction->slow_channel,
                          std::string(e.reaction->recipient_fault));
    };
    using enum send_outcome;
    EXPECT_EQ(reaction(0), std::tuple(accepted, false, ""));
    EXPECT_EQ(reaction(8), std::tuple(retry, true, "")) << "as the table has it";
    EXPECT_EQ(reaction(100), std::tuple(retry, true, ""));
    EXPECT_EQ(reaction(199), std::tuple(stopped, false, ""));
    EXPECT_EQ(reaction(200), std::tuple(rejected, false, ""));
    EXPECT_EQ(reaction(13), std::tuple(rejected, false, "content"));
    settings.name = "unicom";
    EXPECT_EQ(reaction(100), std::tuple(stopped, false, "")) << "the other row is not its own";
}

TEST(code_table, smpp_statuses) {
    const auto t = read({row("smpp", "0x400-0x4FF", "permanent", "bad_number"), row("smpp", "69", "in_doubt"),
                         row("cmpp", "88", "stop")});
    const smpp::protocol p(sms_gateway_config{}, t.of("sms", "smpp"));
    const auto outcome = [&](std::uint32_t command_status) {
        return answered(p, smpp::encode({command_status, 5, smpp::submit_sm_resp{"1", {}}}).value())
            .reaction->outcome;
    };
    using enum send_outcome;
    EXPECT_EQ(outcome(0), accepted);
    EXPECT_EQ(outcome(0x45), unknown);
    EXPECT_EQ(outcome(0x58), retry) << "a row of CMPP";
    EXPECT_EQ(outcome(0x4FF), rejected);
    EXPECT_THAT(
        answered(p, smpp::encode({0x400, 5, smpp::submit_sm_resp{}}).value()).reaction->recipient_fault,
        StrEq("bad_number"));
}

TEST(code_table, codes_of_the_clouds) {
    const auto t =
        read({row("aliyun", "isv.DAY_LIMIT_CONTROL", "slow_down"), row("aliyun", "isv.NEW*", "stop"),
              row("tencent", "FailedOperation.*", "retry"), row("tencent", "O*", "stop")});
    const auto ali = t.of("sms", "aliyun"), tc = t.of("sms", "tencent");
    const auto aliyun_of = [&](const char* code) { return *ali.of_answer(code, &aliyun::reaction_to(code)); };
    const auto tencent_of = [&](const char* code) {
        return *tc.of_answer(code, &tencent::reaction_to(code));
    };
    EXPECT_EQ(aliyun_of("OK").outcome, send_outcome::accepted);
    EXPECT_EQ(aliyun_of("isv.DAY_LIMIT_CONTROL").channel, cloud_reaction::pause::slow_channel);
    EXPECT_EQ(aliyun_of("isv.NEWER").outcome, send_outcome::stopped);
    EXPECT_EQ(aliyun_of("isv.MONTH_LIMIT_CONTROL").channel, cloud_reaction::pause::until_midnight);
    EXPECT_EQ(tencent_of("FailedOperation.ContainSensitiveWord").outcome, send_outcome::retry);
    EXPECT_EQ(tencent_of("Ok").outcome, send_outcome::accepted) << "whatever a row says";
}

TEST(code_table, a_code_may_be_one_numbers_fault) {
    const auto of_one = [](const char* means, const char* fault) {
        const auto codes = read({row("aliyun", "X", means, fault)}).of("sms", "aliyun");
        return codes.of_answer("X", &aliyun::reaction_to("X"))->one_number;
    };
    EXPECT_TRUE(of_one("retry", ""));
    EXPECT_TRUE(of_one("permanent", "bad_number"));
    EXPECT_TRUE(of_one("opt_out", ""));
    EXPECT_FALSE(of_one("permanent", "content"));
    EXPECT_FALSE(of_one("slow_down", ""));
    EXPECT_FALSE(of_one("stop", ""));
}

TEST(code_table, statuses_of_receipts) {
    const auto t =
        read({status("cmpp", "MK:0001", "unknown"), status("cmpp", "MK:*", "permanent", "bad_number"),
              status("cmpp", "D*", "opt_out"), status("smpp", "REJECTD", "opt_out"),
              status("aliyun", "SP_UNKNOWN_ERROR", "permanent", "bad_number"),
              status("tencent", "MK:*", "permanent", "bad_number")});
    const cmpp::protocol p(sms_gateway_config{}, t.of("sms", "cmpp"));
    const auto of_cmpp = [&](const char* Stat) {
        cmpp::deliver d;
        d.Registered_Delivery = 1;
        d.Msg_Content =
            cmpp::encode_report({1, Stat, "2611232105", "2611232105", "13800000001", 0}, cmpp::version::v30)
                .value();
        wire::event e;
        p.read(cmpp::encode({5, cmpp::version::v30, d}).value(), {}, e);
        EXPECT_EQ(e.what, wire::event::kind::report);
        return std::tuple(e.heard.means, e.heard.recipient_fault);
    };
    using enum receipt::meaning;
    EXPECT_EQ(of_cmpp("MK:0005"), std::tuple(failed, "bad_number"));
    EXPECT_EQ(of_cmpp("MK:0001"), std::tuple(failed, "")) << "the narrower row comes first";
    EXPECT_EQ(of_cmpp("DB:0140"), std::tuple(failed, "refused"));
    EXPECT_EQ(of_cmpp("DELIVRD"), std::tuple(delivered, "")) << "whatever a row says";
    EXPECT_EQ(of_cmpp("UNDELIV"), std::tuple(failed, ""));

    smpp::deliver_sm d;
    d.esm_class = 4;
    d.source_addr = "8613800000001";
    d.short_message = "id:1 sub:001 dlvrd:000 submit date:2611232105 done date:2611232105 stat:REJECTD err:1";
    EXPECT_EQ(
        smpp::receipt_of(d, smpp::receipt_ids::as_given, "sms", {}, t.of("sms", "smpp"))->recipient_fault,
        "refused");

    const auto pushed = [&](bool success) {
        const json list = json::array({{{"phone_number", "13800000001"},
                                        {"success", success},
                                        {"err_code", "SP_UNKNOWN_ERROR"},
                                        {"biz_id", "1"}}});
        return read_aliyun_receipts(to_text(list), "sms", "s", {}, t.of("sms", "aliyun"))
            ->receipts.at(0)
            .recipient_fault;
    };
    EXPECT_EQ(pushed(false), "bad_number");
    EXPECT_EQ(pushed(true), "");
    const json one = {
        {"sid", "1"}, {"mobile", "13800000001"}, {"report_status", "FAIL"}, {"errmsg", "MK:0009"}};
    EXPECT_EQ(read_tencent_receipts(to_text(json::array({one})), "sms", {}, t.of("sms", "tencent"))
                  ->receipts.at(0)
                  .recipient_fault,
              "bad_number");
    const json pulled = {{"SerialNo", "1"},
                         {"PhoneNumber", "+8613800000001"},
                         {"ReportStatus", "FAIL"},
                         {"Description", "MK:0009"}};
    EXPECT_EQ(read_pulled_receipts(json::array({pulled}), "sms", {}, t.of("sms", "tencent"))
                  .receipts.at(0)
                  .recipient_fault,
              "bad_number");
}

} // namespace
} // namespace zhida::gateways
