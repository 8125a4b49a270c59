// The simulated SMSC, asked with PDUs written by hand.
#include "tests/support/gateways.hpp"
#include "tests/support/smpp_peer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <unistd.h>

namespace zhida::simulator {
namespace {

using namespace gateways::smpp;
using tests::nth_phone;
using tests::smpp_peer;

class smpp_simulator_test : public testing::Test {
  public:
    tests::simulated all;
    void SetUp() override {
        all.start([](auto& s) { s.smpp_options().receipt_delay = milliseconds(5); });
    }
    void TearDown() override { all.stop(); }

    bind login(command as = command::bind_transceiver) const {
        bind b;
        b.as = as;
        b.system_id = all.sms.source_addr;
        b.password = all.sms.secret;
        return b;
    }
    // Connected and bound.
    std::unique_ptr<smpp_peer> bound(command as = command::bind_transceiver) {
        auto peer = std::make_unique<smpp_peer>(all.on, all.sim->smpp_port());
        EXPECT_EQ(peer->ask({0, 1, login(as)}).command_status, 0U);
        return peer;
    }
    static submit_sm text_to(int n, std::string_view text = "直达") {
        submit_sm s;
        s.source_addr = "10690000";
        s.destination_addr = "86" + nth_phone(n);
        s.data_coding = data_coding_ucs2;
        s.registered_delivery = 1;
        s.short_message = gateways::segment_sms(text, 0).value().front().content;
        return s;
    }
    std::uint32_t status_of(smpp_peer& peer, const submit_sm& s) {
        const auto answer = peer.ask({0, ++sequence, s});
        EXPECT_EQ(answer.sequence_number, sequence);
        EXPECT_TRUE(std::holds_alternative<submit_sm_resp>(answer.body));
        return answer.command_status;
    }
    std::uint32_t sequence = 100;
};

TEST_F(smpp_simulator_test, takes_a_message_and_sends_its_receipt) {
    const auto peer = bound();
    const auto answer = peer->ask({0, 7, text_to(1)});
    EXPECT_EQ(answer.command_status, 0U);
    EXPECT_EQ(answer.sequence_number, 7U);
    const auto id = std::get<submit_sm_resp>(answer.body).message_id;
    const auto delivered = peer->next();
    const auto d = std::get<deliver_sm>(delivered.body);
    ASSERT_TRUE(is_receipt(d));
    EXPECT_EQ(d.source_addr, "86" + nth_phone(1));
    EXPECT_EQ(d.destination_addr, "10690000");
    EXPECT_EQ(message_state(d), 2);
    const auto r = read_receipt(d).value();
    EXPECT_EQ(r.id, id);
    EXPECT_EQ(r.stat, "DELIVRD");
    EXPECT_EQ(r.done_date.size(), 10U);
    peer->send({0, delivered.sequence_number, deliver_sm_resp{}});
    EXPECT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().receipts_acked == 1; }));
    const auto& taken = all.sim->messages().all();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].channel, "sms");
    EXPECT_EQ(taken[0].to, nth_phone(1));
    EXPECT_EQ(taken[0].id, id);
    EXPECT_EQ(taken[0].more.at("text"), "直达");
    EXPECT_EQ(taken[0].more.at("protocol"), "smpp");
}

TEST_F(smpp_simulator_test, refuses_a_login_as_an_smsc_does) {
    const auto refused = [&](bind b) {
        smpp_peer peer(all.on, all.sim->smpp_port());
        const auto answer = peer.ask({0, 1, b});
        EXPECT_TRUE(peer.closed());
        return answer.command_status;
    };
    auto b = login();
    b.password = "wrong";
    EXPECT_EQ(refused(b), status::ESME_RINVPASWD);
    b.system_id = "nobody";
    EXPECT_EQ(refused(b), status::ESME_RINVSYSID);
    all.rules(R"({"rules":[{"channel":"sms","to":"900001","login_status":1025,"times":1}]})");
    EXPECT_EQ(refused(login()), 1025U);
    const auto peer = bound();
    EXPECT_EQ(peer->ask({0, 2, login()}).command_status, status::ESME_RALYBND);
    EXPECT_EQ(status_of(*peer, text_to(1)), 0U) << "still bound";
    EXPECT_EQ(all.sim->smpp().stats().refused_binds, 4);
}

TEST_F(smpp_simulator_test, knows_transmitters_from_receivers) {
    smpp_peer nobody(all.on, all.sim->smpp_port());
    EXPECT_EQ(status_of(nobody, text_to(1)), status::ESME_RINVBNDSTS);
    const auto transmitter = bound(command::bind_transmitter);
    EXPECT_EQ(status_of(*transmitter, text_to(1)), 0U);
    all.on.run_for(std::chrono::milliseconds(30));
    EXPECT_EQ(all.sim->smpp().stats().receipts_waiting, 1) << "there is no receiver yet";
    const auto receiver = bound(command::bind_receiver);
    EXPECT_TRUE(is_receipt(receiver->next_as<deliver_sm>()));
    EXPECT_EQ(status_of(*receiver, text_to(2)), status::ESME_RINVBNDSTS);
}

TEST_F(smpp_simulator_test, judges_what_it_is_sent) {
    const auto peer = bound();
    auto s = text_to(1);
    s.destination_addr = "12345";
    EXPECT_EQ(status_of(*peer, s), status::ESME_RINVDSTADR);
    s = text_to(1);
    s.short_message.assign(141, 'x');
    EXPECT_EQ(status_of(*peer, s), status::ESME_RINVMSGLEN);
    s.short_message.clear();
    EXPECT_EQ(status_of(*peer, s), status::ESME_RINVMSGLEN);
    all.rules(R"({"rules":[{"channel":"sms","to":"*0007","result":1030}]})");
    EXPECT_EQ(status_of(*peer, text_to(7)), 1030U);
    EXPECT_TRUE(all.sim->messages().all().empty());
    EXPECT_EQ(all.sim->smpp().stats().rejected, 4);
}

TEST_F(smpp_simulator_test, throttles_what_overruns_the_window) {
    all.rules(R"({"rules":[{"channel":"sms","delay_ms":50}]})");
    const auto peer = bound();
    std::string burst;
    for (std::uint32_t i = 0; i < 20; ++i)
        ASSERT_TRUE(append(burst, {0, i + 10, text_to(static_cast<int>(i))}));
    peer->send_bytes(burst);
    std::multiset<std::uint32_t> statuses;
    while (statuses.size() < 20)
        if (const auto p = peer->next(); std::holds_alternative<submit_sm_resp>(p.body))
            statuses.insert(p.command_status);
    EXPECT_EQ(statuses.count(0), 16U);
    EXPECT_EQ(statuses.count(status::ESME_RTHROTTLED), 4U);
    EXPECT_EQ(all.sim->smpp().stats().window_overruns, 4);
}

TEST_F(smpp_simulator_test, reads_parts_and_payloads_as_one_text) {
    const auto peer = bound();
    std::string text;
    for (int i = 0; i < 100; ++i) text += "策";
    const auto parts = gateways::segment_sms(text, 9).value();
    ASSERT_EQ(parts.size(), 2U);
    for (const auto& part : parts) {
        auto s = text_to(1);
        s.registered_delivery = 0;
        s.esm_class = esm_udhi;
        s.short_message = part.content;
        EXPECT_EQ(status_of(*peer, s), 0U);
    }
    std::string units;
    for (const auto& part : parts) units += part.content.substr(6);
    auto s = text_to(2);
    s.registered_delivery = 0;
    s.short_message.clear();
    s.optional = {{tag::message_payload, units}};
    EXPECT_EQ(status_of(*peer, s), 0U);
    // By the sar_ TLVs, and with a reference of 16 bits.
    for (char number = 1; number <= 2; ++number) {
        auto sar = text_to(3, number == 1 ? "甲" : "乙");
        sar.registered_delivery = 0;
        sar.optional = {{tag::sar_msg_ref_num, std::string("\x01\x02", 2)},
                        {tag::sar_total_segments, "\x02"},
                        {tag::sar_segment_seqnum, std::string(1, number)}};
        EXPECT_EQ(status_of(*peer, sar), 0U);
        auto wide = text_to(4, number == 1 ? "丙" : "丁");
        wide.registered_delivery = 0;
        wide.esm_class = esm_udhi;
        wide.short_message.insert(0, std::string("\x06\x08\x04\x01\x02\x02", 6) + number);
        EXPECT_EQ(status_of(*peer, wide), 0U);
    }
    const auto whole = assembled(all.sim->messages().all());
    ASSERT_EQ(whole.size(), 4U);
    EXPECT_EQ(whole[0].more.at("text"), text);
    EXPECT_EQ(whole[1].more.at("text"), text);
    EXPECT_EQ(whole[2].more.at("text"), "甲乙");
    EXPECT_EQ(whole[3].more.at("text"), "丙丁");
    EXPECT_EQ(whole[3].more.at("udh_ref"), 0x102);
}

TEST_F(smpp_simulator_test, writes_receipts_in_every_form) {
    const auto peer = bound();
    const auto with = [&](const std::string& rule) {
        all.rules((R"({"replace":true,"rules":[{"channel":"sms",)" + rule + "}]}").c_str());
        const auto answer = peer->ask({0, ++sequence, text_to(1)});
        const auto d = peer->next_as<deliver_sm>();
        return std::pair(std::get<submit_sm_resp>(answer.body).message_id, d);
    };
    const auto [tlv_id, tlv] = with(R"("report":"tlv_only","stat":"UNDELIV")");
    EXPECT_EQ(tlv.short_message, "");
    EXPECT_EQ(receipted_message_id(tlv), tlv_id);
    EXPECT_EQ(read_receipt(tlv)->stat, "UNDELIV");
    const auto [text_id, text] = with(R"("report":"text_only","stat":"EXPIRED")");
    EXPECT_TRUE(text.optional.empty());
    EXPECT_EQ(read_receipt(text)->id, text_id);
    EXPECT_EQ(read_receipt(text)->stat, "EXPIRED");
    const auto [hex, decimal] = with(R"("ids":"hex_and_decimal")");
    EXPECT_EQ(std::to_string(std::stoull(hex, nullptr, 16)), read_receipt(decimal)->id);
    const auto [from, to] = with(R"("ids":"decimal_and_hex")");
    EXPECT_EQ(std::to_string(std::stoull(read_receipt(to)->id, nullptr, 16)), from);
    const auto [bare, padded] = with(R"("ids":"zeros")");
    EXPECT_EQ(read_receipt(padded)->id, std::string(20 - bare.size(), '0') + bare);
    const auto [lower, upper] = with(R"("ids":"upper")");
    EXPECT_EQ(std::stoull(lower, nullptr, 16), std::stoull(read_receipt(upper)->id, nullptr, 16));
    EXPECT_EQ(read_receipt(upper)->id.find_first_of("abcdef"), std::string::npos);
}

TEST_F(smpp_simulator_test, sends_receipts_early_twice_or_never) {
    const auto peer = bound();
    all.rules(R"({"replace":true,"rules":[{"channel":"sms","to":"*1","report":"early","delay_ms":20},
        {"channel":"sms","to":"*2","report":"duplicate"},{"channel":"sms","to":"*3","report":"none"}]})");
    peer->send({0, 1, text_to(1)});
    const auto early = read_receipt(peer->next_as<deliver_sm>()).value();
    EXPECT_EQ(peer->next_as<submit_sm_resp>().message_id, early.id);
    const auto id = std::get<submit_sm_resp>(peer->ask({0, 2, text_to(2)}).body).message_id;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(read_receipt(peer->next_as<deliver_sm>())->id, id);
    EXPECT_EQ(status_of(*peer, text_to(3)), 0U);
    all.on.run_for(std::chrono::milliseconds(30));
    EXPECT_EQ(all.sim->smpp().stats().receipts_sent, 3);
    // Only where it failed.
    auto s = text_to(4);
    s.registered_delivery = 2;
    EXPECT_EQ(status_of(*peer, s), 0U);
    all.rules(R"({"replace":true,"rules":[{"channel":"sms","stat":"REJECTD"}]})");
    EXPECT_EQ(status_of(*peer, s), 0U);
    EXPECT_EQ(read_receipt(peer->next_as<deliver_sm>())->stat, "REJECTD");
    EXPECT_EQ(all.sim->smpp().stats().receipts_sent, 4);
}

TEST_F(smpp_simulator_test, loses_answers_and_connections_on_demand) {
    all.rules(R"({"rules":[{"channel":"sms","to":"*1","drop_response":true,"report":"none"},
        {"channel":"sms","to":"*2","disconnect_after":1},{"channel":"sms","to":"*3","black_hole":true}]})");
    auto peer = bound();
    peer->send({0, 1, text_to(1)});
    EXPECT_TRUE(std::holds_alternative<enquire_link_resp>(peer->ask({0, 2, enquire_link{}}).body));
    peer->send({0, 3, text_to(2)});
    EXPECT_TRUE(peer->closed());
    EXPECT_EQ(all.sim->messages().all().size(), 2U) << "both were taken";
    peer = bound();
    EXPECT_TRUE(is_receipt(peer->next_as<deliver_sm>())) << "on the next connection";
    peer->send({0, 4, text_to(3)});
    peer->send({0, 5, enquire_link{}});
    all.on.run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(all.sim->smpp().stats().enquire_links, 1) << "nothing is heard any more";
    EXPECT_EQ(all.sim->messages().all().size(), 2U);
}

TEST_F(smpp_simulator_test, asks_unbinds_and_answers_what_it_does_not_know) {
    const auto peer = bound();
    all.sim->smpp().ask_all();
    const auto asked = peer->next();
    EXPECT_TRUE(std::holds_alternative<enquire_link>(asked.body));
    peer->send({0, asked.sequence_number, enquire_link_resp{}});
    const auto unknown = peer->ask({0, 9, other{0x103, "data_sm"}});
    EXPECT_TRUE(std::holds_alternative<generic_nack>(unknown.body));
    EXPECT_EQ(unknown.command_status, status::ESME_RINVCMDID);
    EXPECT_EQ(unknown.sequence_number, 9U);
    peer->send_bytes(std::string("\0\0\0\x11\0\0\0\x04\0\0\0\0\0\0\0\x0A"
                                 "x",
                                 17));
    const auto nack = peer->next();
    EXPECT_TRUE(std::holds_alternative<generic_nack>(nack.body));
    EXPECT_EQ(nack.command_status, status::ESME_RINVCMDLEN);
    EXPECT_EQ(nack.sequence_number, 10U);
    EXPECT_EQ(status_of(*peer, text_to(1)), 0U) << "one bad PDU does not end the session";
    peer->next();
    all.sim->smpp().unbind_all();
    const auto leaving = peer->next();
    EXPECT_TRUE(std::holds_alternative<unbind>(leaving.body));
    peer->send({0, leaving.sequence_number, unbind_resp{}});
    EXPECT_TRUE(peer->closed());
    const auto second = bound();
    EXPECT_TRUE(std::holds_alternative<deliver_sm>(second->next().body)) << "its receipt was not confirmed";
    EXPECT_TRUE(std::holds_alternative<unbind_resp>(second->ask({0, 3, unbind{}}).body));
    EXPECT_TRUE(second->closed());
    const auto third = bound();
    third->next();
    third->send_bytes("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(std::holds_alternative<generic_nack>(third->next().body));
    EXPECT_TRUE(third->closed());
}

TEST_F(smpp_simulator_test, somebody_writes_back) {
    const auto peer = bound();
    ASSERT_TRUE(all.sim->smpp().write_back(nth_phone(1), "退订"));
    const auto p = peer->next();
    const auto d = std::get<deliver_sm>(p.body);
    EXPECT_FALSE(is_receipt(d));
    EXPECT_EQ(d.source_addr, nth_phone(1));
    EXPECT_EQ(d.destination_addr, all.sms.src_id);
    EXPECT_EQ(d.data_coding, data_coding_ucs2);
    EXPECT_EQ(gateways::utf8_of_ucs2(message_of(d)), "退订");
    peer->send({0, p.sequence_number, deliver_sm_resp{}});
    EXPECT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().inbound_acked == 1; }));
    std::string text;
    for (int i = 0; i < 100; ++i) text += "问";
    ASSERT_TRUE(all.sim->smpp().write_back(nth_phone(1), text));
    const auto whole = peer->next_as<deliver_sm>();
    EXPECT_EQ(whole.short_message, "");
    EXPECT_EQ(gateways::utf8_of_ucs2(message_of(whole)), text);
    EXPECT_FALSE(all.sim->smpp().write_back("12345", "R"));
    EXPECT_FALSE(all.sim->smpp().write_back(nth_phone(1), ""));

    inbound_message m;
    m.phone = nth_phone(1);
    m.text = "T";
    m.to = "1069000017";
    m.account = all.sms.source_addr;
    ASSERT_TRUE(all.sim->smpp().write_back(m));
    EXPECT_EQ(peer->next_as<deliver_sm>().destination_addr, "1069000017");
    m.account = "another";
    EXPECT_FALSE(all.sim->smpp().write_back(m));
    m.account = "";
    m.formats = {"gbk"};
    EXPECT_FALSE(all.sim->smpp().write_back(m)) << "it would be UCS2";
}

TEST_F(smpp_simulator_test, answers_come_twice_in_another_order_or_under_a_wrong_number) {
    all.rules(R"({"rules":[{"channel":"sms","to":"*1","response":"after_next","report":"none"},
                           {"channel":"sms","to":"*2","response":"duplicate","report":"none"},
                           {"channel":"sms","to":"*3","response":"wrong_sequence","report":"none"},
                           {"channel":"sms","to":"*4","response":"same_id","report":"none"},
                           {"channel":"sms","to":"*5","pdu_before":"unknown_pdu","report":"none"}]})");
    const auto peer = bound();
    const auto number = [&] { return peer->next().sequence_number; };
    peer->send({0, 11, text_to(1)});
    peer->send({0, 12, text_to(2)});
    for (const auto expected : {12U, 12U, 11U}) EXPECT_EQ(number(), expected);
    EXPECT_NE(peer->ask({0, 13, text_to(3)}).sequence_number, 13U);
    const auto id = [&](std::uint32_t sequence_number, int n) {
        return std::get<submit_sm_resp>(peer->ask({0, sequence_number, text_to(n)}).body).message_id;
    };
    const auto first = id(14, 4);
    EXPECT_EQ(id(15, 4), first);
    EXPECT_TRUE(std::holds_alternative<other>(peer->ask({0, 16, text_to(5)}).body));
    EXPECT_EQ(number(), 16U);
}

TEST_F(smpp_simulator_test, a_second_receipt_contradicts_the_first) {
    all.rules(R"({"rules":[{"channel":"sms","then_stat":"UNDELIV"}]})");
    const auto peer = bound();
    peer->ask({0, 1, text_to(1)});
    const auto stat = [&] { return read_receipt(peer->next_as<deliver_sm>()).value().stat; };
    EXPECT_EQ(stat(), "DELIVRD");
    EXPECT_EQ(stat(), "UNDELIV");
}

TEST_F(smpp_simulator_test, a_connection_may_be_cut_to_bytes_and_answer_no_enquire_link) {
    all.rules(R"({"rules":[{"channel":"sms","times":1,"writes":"bytes","active_test":"none"}]})");
    const auto peer = bound();
    peer->send({0, 5, enquire_link{}});
    EXPECT_EQ(peer->ask({0, 6, text_to(1)}).sequence_number, 6U) << "the enquire_link has no answer";
    EXPECT_EQ(all.sim->smpp().stats().enquire_links, 1);
    EXPECT_TRUE(std::holds_alternative<enquire_link_resp>(bound()->ask({0, 5, enquire_link{}}).body));
}

TEST_F(smpp_simulator_test, sends_what_nobody_should) {
    const auto peer = bound();
    all.sim->smpp().send_bad("unknown_pdu");
    EXPECT_TRUE(std::holds_alternative<other>(peer->next().body));
    all.sim->smpp().send_bad("orphan_response");
    EXPECT_TRUE(std::holds_alternative<submit_sm_resp>(peer->next().body));
    for (const char* unreadable : {"malformed_pdu", "oversized_pdu", "undersized_pdu"}) {
        const auto other_peer = bound();
        all.sim->smpp().send_bad(unreadable);
        EXPECT_ANY_THROW(other_peer->next()) << unreadable;
    }
}

TEST_F(smpp_simulator_test, each_account_has_its_own_number_and_window) {
    all.stop();
    auto& g = all.sms.gateways["second"];
    g = all.sms;
    g.name = "second";
    g.protocol = "smpp";
    g.source_addr = "second";
    g.src_id = "10691111";
    g.window = 1;
    all.start();
    auto as_second = login();
    as_second.system_id = "second";
    smpp_peer second(all.on, all.sim->smpp_port());
    ASSERT_EQ(second.ask({0, 1, as_second}).command_status, 0U);
    ASSERT_TRUE(all.sim->smpp().write_back(nth_phone(1), "T")); // the first account is the named gateway's
    EXPECT_EQ(second.next_as<deliver_sm>().destination_addr, "10691111");
    all.rules(R"({"rules":[{"channel":"sms","gateway":"second","delay_ms":50,"report":"none"},
                           {"channel":"sms","delay_ms":50,"report":"none"}]})");
    const auto ours = bound();
    for (std::uint32_t i = 0; i < 2; ++i) {
        second.send({0, 10 + i, text_to(1)});
        ours->send({0, 10 + i, text_to(1)});
    }
    EXPECT_EQ(second.next().command_status, status::ESME_RTHROTTLED);
    EXPECT_EQ(second.next().command_status, 0U);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(ours->next().command_status, 0U);
    EXPECT_EQ(parse_json(to_text(all.sim->faults().to_json())).value()[0].at("matched"), 1);
}

TEST_F(smpp_simulator_test, remembers_over_a_restart_what_it_has_not_reported) {
    all.stop();
    const auto file =
        std::filesystem::temp_directory_path() / ("zhida_smpp_" + std::to_string(::getpid()) + ".jsonl");
    const auto remove_files = [&] {
        std::filesystem::remove(file);
        std::filesystem::remove(file.string() + ".reported");
    };
    remove_files();
    all.settings.record_file = file.string();
    all.start([](auto& s) { s.smpp_options().receipt_delay = milliseconds(5); });
    std::string id;
    {
        all.rules(R"({"rules":[{"channel":"sms","to":"*1","ids":"upper"}]})");
        const auto peer = bound();
        peer->ask({0, 1, text_to(1)});
        const auto reported = peer->next();
        peer->send({0, reported.sequence_number, deliver_sm_resp{}});
        ASSERT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().receipts_acked == 1; }));
        id = std::get<submit_sm_resp>(peer->ask({0, 2, text_to(2)}).body).message_id;
    }
    all.stop();
    all.start();
    const auto peer = bound();
    EXPECT_EQ(read_receipt(peer->next_as<deliver_sm>())->id, id);
    EXPECT_EQ(all.sim->smpp().stats().receipts_sent, 1);
    remove_files();
}

} // namespace
} // namespace zhida::simulator
