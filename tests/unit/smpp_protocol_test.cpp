// What a session says and hears in SMPP: bytes in, events out.
#include "services/gateways/smpp_protocol.hpp"
#include "services/gateways/smpp_results.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways::smpp {
namespace {

using kind = wire::event::kind;
using meaning = gateways::receipt::meaning;
const wall_time now(milliseconds(1'800'000'000'000));

sms_gateway_config account() {
    sms_gateway_config c;
    c.name = "smsc";
    c.protocol = "smpp";
    c.source_addr = "zhida";
    c.secret = "12345678";
    c.system_type = "GOV";
    return c;
}
wire::event heard(const protocol& p, const pdu& said) {
    wire::event e;
    p.read(encode(said).value(), now, e);
    return e;
}
pdu reply_of(const wire::event& e) {
    return decode(e.reply).value();
}

TEST(smpp_results, each_status_has_its_reaction) {
    using enum send_outcome;
    const struct {
        std::uint32_t status;
        send_outcome outcome;
        const char* fault;
        bool slow;
    } expected[] = {
        {0, accepted, "", false},     {0x0A, stopped, "", false},       {0x0B, rejected, "bad_number", false},
        {0x04, stopped, "", false},   {0x08, retry, "", false},         {0x14, retry, "", true},
        {0x58, retry, "", true},      {0x45, rejected, "", false},      {0x15, stopped, "", false},
        {0x400, rejected, "", false}, {0xFFFFFFFF, rejected, "", false}};
    for (const auto& e : expected) {
        const auto& r = reaction_to(e.status);
        EXPECT_EQ(r.outcome, e.outcome) << e.status;
        EXPECT_STREQ(r.recipient_fault, e.fault) << e.status;
        EXPECT_EQ(r.slow_channel, e.slow) << e.status;
        EXPECT_FALSE(r.reroute);
    }
    EXPECT_EQ(reaction_to_stat("MK:0001").recipient_fault, std::string("bad_number"));
    EXPECT_EQ(reaction_to_stat("ENROUTE").meaning, meaning::intermediate);
}

TEST(smpp_protocol, binds_as_a_transceiver) {
    const protocol p(account());
    const auto sent = decode(p.login(7, now)->frame).value();
    EXPECT_EQ(sent.sequence_number, 7U);
    const auto& b = std::get<bind>(sent.body);
    EXPECT_EQ(b.as, command::bind_transceiver);
    EXPECT_EQ(b.system_id, "zhida");
    EXPECT_EQ(b.password, "12345678");
    EXPECT_EQ(b.system_type, "GOV");
    EXPECT_EQ(b.interface_version, 0x34);

    EXPECT_TRUE(p.read_login(encode({0, 7, bind_resp{}}).value(), "")->accepted);
    using wire::session_end;
    for (const std::uint32_t status : {0x03U, 0x0DU, 0x0EU, 0x0FU, 0x53U}) {
        const auto a = p.read_login(encode({status, 7, bind_resp{}}).value(), "").value();
        EXPECT_FALSE(a.accepted);
        EXPECT_EQ(a.why, session_end::login_refused) << status;
    }
    for (const std::uint32_t status : {0x05U, 0x08U, 0x58U, 0x400U})
        EXPECT_EQ(p.read_login(encode({status, 7, bind_resp{}}).value(), "")->why, session_end::login_failed);
    EXPECT_EQ(p.read_login(encode({3, 7, generic_nack{}}).value(), "")->why, session_end::login_refused);
    EXPECT_FALSE(p.read_login(encode({0, 7, enquire_link{}}).value(), ""));
    EXPECT_FALSE(p.read_login("nonsense", ""));

    auto wrong = account();
    wrong.secret = "123456789";
    EXPECT_NE(protocol(wrong).login(1, now).error().text().find("password"), std::string::npos);
}

TEST(smpp_protocol, submits_a_part) {
    auto with_type = account();
    with_type.service_id = "ZHIDA";
    const protocol p(with_type);
    const auto parts = segment_sms("【直达演示】你好", 0).value();
    std::string bytes;
    p.submit(bytes, 9, parts, 0, "13800000001", "");
    const auto sent = decode(bytes).value();
    EXPECT_EQ(sent.sequence_number, 9U);
    const auto& s = std::get<submit_sm>(sent.body);
    EXPECT_EQ(s.service_type, "ZHIDA");
    EXPECT_EQ(s.source_addr, "10690000");
    EXPECT_EQ(s.source_addr_ton, 0);
    EXPECT_EQ(s.destination_addr, "8613800000001");
    EXPECT_EQ(s.dest_addr_ton, 1);
    EXPECT_EQ(s.dest_addr_npi, 1);
    EXPECT_EQ(s.data_coding, 8);
    EXPECT_EQ(s.registered_delivery, 1);
    EXPECT_EQ(s.esm_class, 0);
    EXPECT_EQ(s.short_message, parts[0].content);

    const std::string text(300, 'x');
    const auto several = segment_sms(text, 0).value();
    bytes.clear();
    p.submit(bytes, 10, std::span(several).subspan(1, 1), 0xAB, "13800000001", "01");
    const auto part = std::get<submit_sm>(decode(bytes)->body);
    EXPECT_EQ(part.source_addr, "1069000001");
    EXPECT_EQ(part.esm_class, 0x40);
    EXPECT_EQ(part.short_message.substr(0, 6), std::string("\x05\x00\x03\xAB\x05\x02", 6));
    EXPECT_FALSE(p.whole_texts());

    auto named = account();
    named.src_id = "ZHIDA";
    bytes.clear();
    protocol(named).submit(bytes, 1, parts, 0, "12345", "01");
    const auto n = std::get<submit_sm>(decode(bytes)->body);
    EXPECT_EQ(n.source_addr_ton, 5);
    EXPECT_EQ(n.source_addr, "ZHIDA") << "a name has no extension";
    EXPECT_EQ(n.destination_addr, "12345") << "no mobile number: as it is";
    named.service_id = "TOOLONG";
    EXPECT_NE(protocol(named).flaw()->text().find("service_type"), std::string::npos);
}

TEST(smpp_protocol, submits_a_whole_text_as_payload) {
    auto c = account();
    c.long_text = "payload";
    const protocol p(c);
    EXPECT_TRUE(p.whole_texts());
    std::string text;
    for (int i = 0; i < 150; ++i) text += "策";
    const auto parts = segment_sms(text, 0).value();
    std::string bytes = "before";
    p.submit(bytes, 9, parts, 0, "13800000001", "01");
    const auto sent = decode(std::string_view(bytes).substr(6)).value();
    const auto& s = std::get<submit_sm>(sent.body);
    EXPECT_EQ(sent.sequence_number, 9U);
    EXPECT_EQ(s.esm_class, 0);
    EXPECT_TRUE(s.short_message.empty());
    EXPECT_EQ(s.source_addr, "1069000001");
    EXPECT_EQ(utf8_of_ucs2(message_of(s)), text);
}

TEST(smpp_protocol, answers_to_a_submit) {
    const protocol p(account());
    auto e = heard(p, {0, 5, submit_sm_resp{"00A1b2", {}}});
    EXPECT_EQ(e.what, kind::submit_answered);
    EXPECT_EQ(e.sequence, 5U);
    EXPECT_EQ(e.message_id, "a1b2");
    EXPECT_EQ(e.reaction->outcome, send_outcome::accepted);
    e = heard(p, {0x58, 6, submit_sm_resp{}});
    EXPECT_EQ(e.code, 0x58U);
    EXPECT_TRUE(e.reaction->slow_channel);
    e = heard(p, {3, 7, generic_nack{}});
    EXPECT_EQ(e.what, kind::submit_answered) << "a request that it did not understand";
    EXPECT_EQ(e.sequence, 7U);
    EXPECT_EQ(e.reaction->outcome, send_outcome::rejected);
    EXPECT_EQ(heard(p, {0, 7, generic_nack{}}).reaction->outcome, send_outcome::rejected);
    EXPECT_TRUE(e.reply.empty());
}

TEST(smpp_protocol, questions_are_answered) {
    const protocol p(account());
    auto e = heard(p, {0, 5, enquire_link{}});
    EXPECT_EQ(e.what, kind::nothing);
    EXPECT_TRUE(std::holds_alternative<enquire_link_resp>(reply_of(e).body));
    EXPECT_EQ(reply_of(e).sequence_number, 5U);
    e = heard(p, {0, 6, unbind{}});
    EXPECT_EQ(e.what, kind::ended);
    EXPECT_TRUE(std::holds_alternative<unbind_resp>(reply_of(e).body));
    EXPECT_EQ(heard(p, {0, 6, unbind_resp{}}).what, kind::logged_out);
    EXPECT_EQ(heard(p, {0, 6, enquire_link_resp{}}).what, kind::nothing);

    e = heard(p, {0, 8, other{0x103, "data_sm"}});
    EXPECT_EQ(e.what, kind::passed_over);
    EXPECT_TRUE(std::holds_alternative<generic_nack>(reply_of(e).body));
    EXPECT_EQ(reply_of(e).command_status, status::ESME_RINVCMDID);
    EXPECT_EQ(reply_of(e).sequence_number, 8U);
    EXPECT_TRUE(heard(p, {0, 8, other{0x80000103, ""}}).reply.empty()) << "never to a response";
    EXPECT_TRUE(heard(p, {0, 8, other{0x102, ""}}).reply.empty()) << "alert_notification has none";

    auto short_of = encode({0, 9, deliver_sm{}}).value();
    short_of.resize(short_of.size() - 5);
    short_of[3] = static_cast<char>(short_of.size());
    wire::event garbled;
    p.read(short_of, now, garbled);
    EXPECT_EQ(garbled.what, kind::passed_over);
    EXPECT_EQ(reply_of(garbled).command_status, status::ESME_RINVCMDLEN);
    EXPECT_EQ(reply_of(garbled).sequence_number, 9U);
}

TEST(smpp_ids, one_form) {
    EXPECT_EQ(folded_id("00A1B2"), "a1b2");
    EXPECT_EQ(folded_id("0000"), "0");
    EXPECT_EQ(folded_id(""), "");
    EXPECT_EQ(folded_id("00-X"), "00-x") << "no number: its zeros are its own";
    EXPECT_EQ(hex_of_decimal_id("0000004096"), "1000");
    EXPECT_EQ(hex_of_decimal_id("0"), "0");
    EXPECT_EQ(hex_of_decimal_id("18446744073709551616"), "10000000000000000");
    EXPECT_EQ(hex_of_decimal_id("A1B2"), "a1b2");
}
RC_GTEST_PROP(smpp_ids, a_decimal_is_the_number_that_was_hexadecimal, (std::uint64_t id)) {
    char hex[32];
    std::snprintf(hex, sizeof hex, "%016llX", static_cast<unsigned long long>(id));
    RC_ASSERT(hex_of_decimal_id(std::to_string(id)) == folded_id(hex));
}

deliver_sm receipt_with(std::string text, tlvs optional = {}) {
    deliver_sm d;
    d.esm_class = 0x04;
    d.source_addr = "8613800000001";
    d.destination_addr = "10690000";
    d.short_message = std::move(text);
    d.optional = std::move(optional);
    return d;
}

TEST(smpp_receipt, in_text) {
    const protocol p(account());
    const auto e = heard(p, {0, 3,
                             receipt_with("id:00A1B2 sub:001 dlvrd:001 submit date:2611230905 done "
                                          "date:2611232105 stat:DELIVRD err:000 text:hello")});
    ASSERT_EQ(e.what, kind::report);
    EXPECT_EQ(e.from.sequence, 3U);
    EXPECT_EQ(e.heard.gateway, "smsc");
    EXPECT_EQ(e.heard.message_id, "a1b2");
    EXPECT_EQ(e.heard.phone, "13800000001");
    EXPECT_EQ(e.heard.status, "DELIVRD");
    EXPECT_EQ(e.heard.means, meaning::delivered);
    EXPECT_EQ(to_rfc3339(e.heard.at), "2026-11-23T21:05:00.000+08:00");
    std::string confirmed;
    p.confirm(confirmed, e.from);
    EXPECT_TRUE(std::holds_alternative<deliver_sm_resp>(decode(confirmed)->body));
    EXPECT_EQ(decode(confirmed)->sequence_number, 3U);
}

TEST(smpp_receipt, by_tlvs_which_win) {
    const protocol p(account());
    auto e = heard(p, {0, 3,
                       receipt_with("", {{tag::message_state, "\x05"},
                                         {tag::receipted_message_id, std::string("B2C3\0", 5)}})});
    EXPECT_EQ(e.heard.message_id, "b2c3");
    EXPECT_EQ(e.heard.status, "UNDELIV");
    EXPECT_EQ(e.heard.means, meaning::failed);
    EXPECT_EQ(e.heard.at, now);
    e = heard(p, {0, 3,
                  receipt_with("id:1 stat:ENROUTE done date:nonsense",
                               {{tag::message_state, "\x02"}, {tag::receipted_message_id, "b2c3"}})});
    EXPECT_EQ(e.heard.message_id, "b2c3");
    EXPECT_EQ(e.heard.status, "DELIVRD");
    // They agree that it failed, and the text says more.
    e = heard(p, {0, 3, receipt_with("id:1 stat:MK:0001", {{tag::message_state, "\x05"}})});
    EXPECT_EQ(e.heard.status, "MK:0001");
    EXPECT_EQ(e.heard.recipient_fault, "bad_number");
    auto intermediate = receipt_with("id:1 stat:UNDELIV");
    intermediate.esm_class = 0x20;
    EXPECT_EQ(heard(p, {0, 3, intermediate}).heard.means, meaning::intermediate);
}

TEST(smpp_receipt, in_decimal_what_was_hexadecimal) {
    auto c = account();
    c.receipt_ids = "decimal_of_hex";
    const protocol p(c);
    EXPECT_EQ(heard(p, {0, 1, submit_sm_resp{"0000A1B2", {}}}).message_id, "a1b2");
    EXPECT_EQ(heard(p, {0, 3, receipt_with("id:0000041394 stat:DELIVRD")}).heard.message_id, "a1b2");
    EXPECT_EQ(heard(p, {0, 3,
                        receipt_with("id:4096 stat:DELIVRD",
                                     {{tag::receipted_message_id, std::string("1000\0", 5)}})})
                  .heard.message_id,
              "1000")
        << "the TLV repeats what the submit_sm_resp said";
}

TEST(smpp_receipt, in_hexadecimal_what_was_decimal) {
    auto c = account();
    c.receipt_ids = "hex_of_decimal";
    const protocol p(c);
    EXPECT_EQ(heard(p, {0, 1, submit_sm_resp{"0000041394", {}}}).message_id, "a1b2");
    EXPECT_EQ(heard(p, {0, 3, receipt_with("id:0000A1B2 stat:DELIVRD")}).heard.message_id, "a1b2");
    EXPECT_EQ(hex_of_decimal_id(std::string(65, '9')), std::string(65, '9')) << "no SMSC gives so long ones";
}

TEST(smpp_receipt, what_names_no_message_is_refused) {
    const auto e = heard(protocol(account()), {0, 3, receipt_with("nonsense")});
    EXPECT_EQ(e.what, kind::passed_over);
    EXPECT_TRUE(std::holds_alternative<deliver_sm_resp>(reply_of(e).body));
    EXPECT_EQ(reply_of(e).command_status, 0x66U);
}

TEST(smpp_inbound, every_data_coding_and_place) {
    const protocol p(account());
    deliver_sm d;
    d.source_addr = "8613800000001";
    d.destination_addr = "106900001";
    d.short_message = "R";
    auto e = heard(p, {0, 4, d});
    ASSERT_EQ(e.what, kind::inbound);
    EXPECT_EQ(e.wrote.phone, "13800000001");
    EXPECT_EQ(e.wrote.to, "106900001");
    EXPECT_EQ(e.wrote.content, "R");
    EXPECT_EQ(e.wrote.total, 1);
    const std::pair<std::uint8_t, std::uint8_t> formats[] = {
        {0, 0},    {1, 0},    {2, 4},    {3, 3},    {4, 4},    {8, 8},    {15, 15},  {5, 4},
        {0x10, 0}, {0x18, 8}, {0x14, 4}, {0xF0, 0}, {0xF1, 0}, {0xF5, 4}, {0x48, 4}, {0xC0, 4}};
    for (const auto& [coding, format] : formats) EXPECT_EQ(text_format(coding), format) << int(coding);
    d.esm_class = 0x40;
    d.short_message = std::string("\x05\x00\x03\xAB\x02\x01xy", 8);
    e = heard(p, {0, 4, d});
    EXPECT_EQ(e.wrote.ref, 0xAB);
    EXPECT_EQ(e.wrote.total, 2);
    EXPECT_EQ(e.wrote.content, "xy");
    d.esm_class = 0;
    d.short_message = "z";
    d.optional = {{tag::sar_msg_ref_num, "\x12\x34"},
                  {tag::sar_total_segments, "\x03"},
                  {tag::sar_segment_seqnum, "\x02"}};
    e = heard(p, {0, 4, d});
    EXPECT_EQ(e.wrote.ref, 0x1234);
    EXPECT_EQ(e.wrote.total, 3);
    EXPECT_EQ(e.wrote.number, 2);
    d.short_message.clear();
    d.optional = {{tag::message_payload, "a long one"}};
    EXPECT_EQ(heard(p, {0, 4, d}).wrote.content, "a long one");
}

RC_GTEST_PROP(smpp_protocol, any_frame_becomes_an_event, (std::uint8_t command, std::string body)) {
    const protocol p(account());
    wire::event e;
    const auto frame = encode({0, 1, other{command, std::move(body)}}).value();
    p.read(frame, now, e);
    if (!e.reply.empty()) RC_ASSERT(decode(e.reply).has_value());
    if (e.what == kind::submit_answered) RC_ASSERT(e.reaction != nullptr);
}

} // namespace
} // namespace zhida::gateways::smpp
