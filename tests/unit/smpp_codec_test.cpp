#include "services/gateways/smpp_codec.hpp"
#include "services/gateways/smpp_submit.hpp"

#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <iterator>

namespace zhida::gateways::smpp {
namespace {

std::string published(const std::string& id) {
    std::ifstream file(zhida::tests::in_source("tests/data/smpp_vectors.json"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto vectors = parse_json(text).value();
    for (const auto& v : vectors.at("smpp_pdus"))
        if (v.at("id") == id) return crypto::from_hex(v.at("hex").get<std::string>()).value();
    ADD_FAILURE() << "no vector " << id;
    return {};
}

// Read, and written again as the same bytes.
template <class Body>
Body read_published(const std::string& id, std::uint32_t sequence_number) {
    const auto bytes = published(id);
    const auto p = decode(bytes);
    if (!p) {
        ADD_FAILURE() << p.error().text();
        return {};
    }
    EXPECT_EQ(p->command_status, 0U);
    EXPECT_EQ(p->sequence_number, sequence_number);
    EXPECT_EQ(crypto::hex(encode(*p).value()), crypto::hex(bytes));
    return std::get<Body>(p->body);
}

TEST(smpp_codec, reads_and_writes_the_published_receipt) {
    const auto d = read_published<deliver_sm>("cloudhopper.deliver_sm.162", 0x116ad5);
    EXPECT_EQ(d.service_type, "");
    EXPECT_EQ(d.source_addr_ton, 1);
    EXPECT_EQ(d.source_addr_npi, 1);
    EXPECT_EQ(d.source_addr, "4495136192057");
    EXPECT_EQ(d.dest_addr_ton, 5);
    EXPECT_EQ(d.dest_addr_npi, 1);
    EXPECT_EQ(d.destination_addr, "GTBank");
    EXPECT_EQ(d.esm_class, esm_delivery_receipt);
    EXPECT_EQ(d.registered_delivery, 1);
    EXPECT_EQ(d.data_coding, 0);
    ASSERT_TRUE(is_receipt(d));
    const receipt expected{"94251430923", "001",     "001", "0911040124",
                           "0911040124",  "ACCEPTD", "107", "26F102"};
    EXPECT_EQ(read_receipt(d).value(), expected);
}

TEST(smpp_codec, reads_and_writes_the_published_receipt_with_tlvs) {
    const auto d = read_published<deliver_sm>("cloudhopper.deliver_sm.235", 1);
    EXPECT_EQ(d.source_addr, "44951361920");
    EXPECT_EQ(d.destination_addr, "40404");
    EXPECT_EQ(d.data_coding, 3);
    ASSERT_EQ(d.optional.size(), 2U);
    EXPECT_EQ(d.optional[0].tag, tag::message_state);
    EXPECT_EQ(d.optional[1].value, std::string("126e85a6edeac1a02020099312479564") + '\0');
    EXPECT_EQ(receipted_message_id(d), "126e85a6edeac1a02020099312479564");
    EXPECT_EQ(message_state(d), 2);
    const auto r = read_receipt(d).value();
    EXPECT_EQ(r.id, "126e85a6edeac1a02020099312479564");
    EXPECT_EQ(r.stat, "DELIVRD");
    EXPECT_EQ(r.done_date, "1002191630");
    EXPECT_EQ(r.text, "Hello");
}

TEST(smpp_codec, reads_and_writes_the_published_empty_message) {
    const auto d = read_published<deliver_sm>("cloudhopper.deliver_sm.64", 0xa2859f22);
    EXPECT_EQ(d.service_type, "1001");
    EXPECT_EQ(d.source_addr, "44951361920");
    EXPECT_EQ(d.destination_addr, "4040404040404040");
    EXPECT_EQ(d.data_coding, data_coding_ucs2);
    EXPECT_EQ(d.short_message, "");
    EXPECT_FALSE(is_receipt(d));
    EXPECT_FALSE(read_receipt(d));
}

TEST(smpp_codec, reads_and_writes_what_node_smpp_wrote) {
    const auto s = read_published<submit_sm>("node-smpp.submit_sm.ucs2", 2);
    EXPECT_EQ(s.source_addr, "1069");
    EXPECT_EQ(s.destination_addr, "8613800138000");
    EXPECT_EQ(s.registered_delivery, 1);
    EXPECT_EQ(s.data_coding, data_coding_ucs2);
    EXPECT_EQ(utf8_of_ucs2(message_of(s)), "【测试】你好");
}

std::string some_text(std::size_t most) {
    const auto size = *rc::gen::inRange<std::size_t>(0, most + 1);
    return *rc::gen::container<std::string>(size, rc::gen::inRange<char>(1, 127));
}
std::string some_bytes(std::size_t most) {
    const auto size = *rc::gen::inRange<std::size_t>(0, most + 1);
    return *rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
}
std::uint8_t some_byte() {
    return *rc::gen::arbitrary<std::uint8_t>();
}
tlvs some_tlvs() {
    tlvs all(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& t : all) {
        t.tag = *rc::gen::element(tag::message_payload, tag::receipted_message_id, tag::message_state,
                                  *rc::gen::arbitrary<std::uint16_t>());
        t.value = some_bytes(t.tag == tag::message_payload ? 3000 : 70);
    }
    return all;
}
sm some_sm() {
    sm m;
    m.service_type = some_text(5);
    m.source_addr_ton = some_byte();
    m.source_addr_npi = some_byte();
    m.source_addr = some_text(20);
    m.dest_addr_ton = some_byte();
    m.dest_addr_npi = some_byte();
    m.destination_addr = some_text(20);
    m.esm_class = some_byte();
    m.protocol_id = some_byte();
    m.priority_flag = some_byte();
    m.schedule_delivery_time = some_text(16);
    m.validity_period = some_text(16);
    m.registered_delivery = some_byte();
    m.replace_if_present_flag = some_byte();
    m.data_coding = some_byte();
    m.sm_default_msg_id = some_byte();
    m.short_message = some_bytes(254);
    m.optional = some_tlvs();
    return m;
}

RC_GTEST_PROP(smpp_codec, every_pdu_survives_a_round_trip, ()) {
    pdu p;
    p.sequence_number = *rc::gen::arbitrary<std::uint32_t>();
    p.command_status = *rc::gen::element<std::uint32_t>(0, 8, status::ESME_RTHROTTLED, 0xFFFFFFFF);
    switch (*rc::gen::inRange(0, 12)) {
    case 0:
        p.body = bind{
            *rc::gen::element(command::bind_receiver, command::bind_transmitter, command::bind_transceiver),
            some_text(15),
            some_text(8),
            some_text(12),
            some_byte(),
            some_byte(),
            some_byte(),
            some_text(40)};
        break;
    case 1:
        p.body = bind_resp{*rc::gen::element(command::bind_receiver_resp, command::bind_transmitter_resp,
                                             command::bind_transceiver_resp),
                           some_text(15), some_tlvs()};
        break;
    case 2:
        p.body = unbind{};
        break;
    case 3:
        p.body = unbind_resp{};
        break;
    case 4:
        p.body = submit_sm{some_sm()};
        break;
    case 5:
        p.body = submit_sm_resp{some_text(64), some_tlvs()};
        break;
    case 6:
        p.body = deliver_sm{some_sm()};
        break;
    case 7:
        p.body = deliver_sm_resp{some_text(64), some_tlvs()};
        break;
    case 8:
        p.body = enquire_link{};
        break;
    case 9:
        p.body = enquire_link_resp{};
        break;
    case 10:
        p.body = generic_nack{};
        break;
    default:
        p.body = other{0x103, some_bytes(300)}; // data_sm
    }
    std::string stream = "before";
    RC_ASSERT(append(stream, p).has_value());
    const auto frame = encode(p).value();
    RC_ASSERT(stream == "before" + frame);
    RC_ASSERT(frame.size() <= max_command_length);
    RC_ASSERT(decode(frame).value() == p);
    RC_ASSERT(sequence_number_of(frame) == p.sequence_number);
    // Cut short anywhere it is refused or it is another whole PDU, never read past its end.
    auto cut = frame.substr(0, *rc::gen::inRange<std::size_t>(header_size, frame.size() + 1));
    cut[2] = static_cast<char>(cut.size() >> 8);
    cut[3] = static_cast<char>(cut.size());
    const auto less = decode(cut);
    if (less) RC_ASSERT(decode(encode(*less).value()).value() == *less);
}

TEST(smpp_codec, a_response_may_be_its_header_alone) {
    const auto refused = encode({status::ESME_RTHROTTLED, 7, submit_sm_resp{}}).value();
    EXPECT_EQ(refused.size(), header_size);
    EXPECT_EQ(decode(refused)->command_status, status::ESME_RTHROTTLED);
    EXPECT_EQ(std::get<submit_sm_resp>(decode(refused)->body), submit_sm_resp{});
    EXPECT_EQ(encode({0, 7, deliver_sm_resp{}})->size(), header_size + 1);
    EXPECT_EQ(encode({status::ESME_RINVPASWD, 7, bind_resp{}})->size(), header_size);
    // Without a status too, as some write it.
    auto bare = refused;
    bare[11] = 0;
    EXPECT_TRUE(decode(bare));
}

std::string with_length(std::string frame) {
    frame[2] = static_cast<char>(frame.size() >> 8);
    frame[3] = static_cast<char>(frame.size());
    return frame;
}

TEST(smpp_codec, names_what_cannot_be_read) {
    const auto expect_refused = [](std::string_view bytes, const char* where, const char* says) {
        const auto p = decode(bytes);
        ASSERT_FALSE(p) << where;
        EXPECT_EQ(p.error().code, errc::invalid);
        EXPECT_EQ(p.error().where, where);
        EXPECT_NE(p.error().what.find(says), std::string::npos) << p.error().text();
    };
    const auto header = [](command c) {
        return encode({0, 1, other{static_cast<std::uint32_t>(c), ""}}).value();
    };
    expect_refused("abc", "SMPP header", "on a frame of 3 bytes");
    expect_refused(header(command::unbind) + "x", "SMPP header", "command_length 16 on a frame of 17");
    expect_refused(with_length(header(command::unbind) + "x"), "unbind.command_length", "1 bytes too many");
    expect_refused(with_length(header(command::submit_sm) + "1234567"), "submit_sm.service_type",
                   "does not end within its 6 bytes");
    expect_refused(with_length(header(command::bind_transceiver) + std::string("a\0b\0c\0\x34", 7)),
                   "bind_transceiver.address_range", "does not end");
    submit_sm s;
    s.short_message = "hello";
    const auto whole = encode({0, 1, s}).value();
    expect_refused(with_length(whole.substr(0, whole.size() - 1)), "submit_sm.sm_length", "over the end");
    auto too_long = whole;
    too_long[too_long.size() - 6] = '\xFF';
    expect_refused(too_long, "submit_sm.sm_length", "at most 254");
    expect_refused(with_length(whole + "\x04"), "submit_sm.TLV", "over the end");
    expect_refused(with_length(whole + std::string("\x04\x24\0\x02x", 5)), "submit_sm.TLV", "over the end");
    EXPECT_EQ(std::get<submit_sm>(decode(with_length(whole + std::string("\x14\x01\0\0", 4)))->body)
                  .optional.at(0)
                  .tag,
              0x1401);
}

TEST(smpp_codec, refuses_to_write_what_does_not_fit) {
    bind b;
    b.password = "123456789";
    EXPECT_EQ(encode({0, 1, b}).error().text(), "bind_transceiver.password: 9 characters, the field has 8");
    submit_sm s;
    s.source_addr = std::string("1\0", 2);
    EXPECT_EQ(encode({0, 1, s}).error().where, "submit_sm.source_addr");
    s.source_addr.clear();
    s.short_message = std::string(255, 'x');
    std::string stream = "before";
    EXPECT_EQ(append(stream, {0, 1, s}).error().where, "submit_sm.short_message");
    EXPECT_EQ(stream, "before");
    s.short_message.clear();
    s.optional = {{tag::message_payload, std::string(65536, 'x')}};
    EXPECT_EQ(encode({0, 1, s}).error().where, "submit_sm.TLV");
    s.optional[0].value.pop_back();
    EXPECT_EQ(message_of(std::get<submit_sm>(decode(encode({0, 1, s}).value())->body)).size(), 65535U);
}

// ---- receipts

TEST(smpp_receipt, is_read_in_whatever_form_the_text_has) {
    const auto read = [](std::string_view text) { return read_receipt_text(text).value(); };
    const receipt usual{"0a1B", "001", "001", "2611230905", "2611230906", "DELIVRD", "000", "hello"};
    EXPECT_EQ(read(receipt_text(usual)), usual);
    EXPECT_EQ(
        read("ID:0a1B SUB:001 DLVRD:001 SUBMIT DATE:2611230905 DONE DATE:2611230906 STAT:DELIVRD ERR:000 "
             "TEXT:hello"),
        usual);
    EXPECT_EQ(read("  id : 0a1B   sub: 001 dlvrd:001 submit  date:2611230905 done_date: 2611230906 "
                   "Stat:delivrd  err:000\tText: hello "),
              usual);
    EXPECT_EQ(read("err:000 stat:DELIVRD id:0a1B done date:2611230906 submit date:2611230905 dlvrd:001 "
                   "sub:001 text:hello"),
              usual);
    EXPECT_EQ(read("id:550e8400-e29b-41d4-a716-446655440000 stat:EXPIRED"),
              (receipt{"550e8400-e29b-41d4-a716-446655440000", "", "", "", "", "EXPIRED", "", ""}));
    EXPECT_EQ(read("id:1 stat: err: text:").stat, "");
    EXPECT_EQ(read("id:1 stat:UNDELIV text:id:2 stat:DELIVRD").text, "id:2 stat:DELIVRD");
    EXPECT_EQ(read("id:1 stat:UNDELIV text:id:2 stat:DELIVRD").stat, "UNDELIV");
    EXPECT_EQ(read("id:1 id:2 stat:DELIVRD").id, "1");
    EXPECT_EQ(read("id:1 done date:2026-11-23 09:06 stat:DELIVRD").done_date, "2026-11-23 09:06");
    for (const char* none : {"", "stat:DELIVRD", "id:", "ids:1", "grid:1", "text:id:1"})
        EXPECT_FALSE(read_receipt_text(none)) << none;
}

TEST(smpp_receipt, is_read_from_tlvs_alone) {
    deliver_sm d;
    d.esm_class = esm_delivery_receipt;
    EXPECT_EQ(read_receipt(d).error().code, errc::invalid);
    d.optional = {{tag::receipted_message_id, std::string("77\0", 3)},
                  {tag::message_state, "\x05"},
                  {tag::network_error_code, std::string("\x03\x01\x02", 3)}};
    EXPECT_EQ(read_receipt(d).value(), (receipt{"77", "", "", "", "", "UNDELIV", "258", ""}));
    d.esm_class = 0; // some forget it
    EXPECT_TRUE(is_receipt(d));
    d.short_message = "id:78 stat:REJECTD err:9";
    EXPECT_EQ(read_receipt(d).value(), (receipt{"77", "", "", "", "", "REJECTD", "9", ""}));
    d.optional.push_back({tag::message_payload, "id:79 stat:EXPIRED"});
    EXPECT_EQ(read_receipt(d)->stat, "EXPIRED");
    EXPECT_STREQ(stat_of(200), "UNKNOWN");
}

TEST(smpp_receipt, is_never_what_somebody_wrote) {
    deliver_sm d;
    d.short_message = "id:1 stat:DELIVRD";
    EXPECT_FALSE(is_receipt(d));
    d.esm_class = esm_udhi;
    EXPECT_FALSE(is_receipt(d));
    d.esm_class = esm_udhi | esm_delivery_receipt;
    EXPECT_TRUE(is_receipt(d));
    d.esm_class = esm_intermediate;
    EXPECT_TRUE(is_receipt(d));
}

// ---- without the detour over a pdu

TEST(smpp_submit_form, writes_what_encode_writes) {
    for (const bool full : {false, true}) {
        submit_sm s;
        s.data_coding = data_coding_ucs2;
        s.registered_delivery = 1;
        if (full) {
            s.service_type = "ZHIDA";
            s.source_addr_ton = 5;
            s.source_addr = "10690000";
            s.dest_addr_ton = s.dest_addr_npi = 1;
            s.validity_period = "000002000000000R";
            s.optional = {{0x1401, "x"}};
        }
        const auto form = submit_form::of(s).value();
        std::string written = "before", expected = written, text;
        std::uint32_t sequence = 0xFFFFFFFE;
        for (int i = 0; i < 150; ++i) text += "策";
        for (const auto& words : {std::string("直达"), text})
            for (const auto& part : segment_sms(words, 0xAB).value()) {
                s.esm_class = part.udhi ? esm_udhi : std::uint8_t{0};
                s.destination_addr = "8613800000001";
                s.short_message = part.content;
                ASSERT_TRUE(append(expected, {0, sequence, s}));
                auto of_any_ref = part;
                if (part.udhi) of_any_ref.content[3] = 0;
                form.append(written, sequence++, of_any_ref, 0xAB, "8613800000001");
            }
        EXPECT_EQ(crypto::hex(written), crypto::hex(expected));
        s.source_addr += "01";
        s.esm_class = 0;
        s.short_message = segment_sms("直达", 0).value().front().content;
        written.clear();
        form.append(written, sequence, segment_sms("直达", 0).value().front(), 0, "8613800000001", "01");
        EXPECT_EQ(crypto::hex(written), crypto::hex(encode({0, sequence, s}).value()));
        s.source_addr = std::string(21, '1');
        EXPECT_EQ(submit_form::of(s).error().where, "submit_sm.source_addr");
    }
}

TEST(read_submit_sm_resp, reads_as_decode_does_and_nothing_else) {
    submit_sm_resp_view r;
    const auto frame = encode({0, 7, submit_sm_resp{"0a1b2c3d", {}}}).value();
    ASSERT_TRUE(read_submit_sm_resp(frame, r));
    EXPECT_EQ(r.command_status, 0U);
    EXPECT_EQ(r.sequence_number, 7U);
    EXPECT_EQ(r.message_id, "0a1b2c3d");
    ASSERT_TRUE(read_submit_sm_resp(encode({0x58, 8, submit_sm_resp{}}).value(), r));
    EXPECT_EQ(r.command_status, 0x58U);
    EXPECT_EQ(r.message_id, "");
    const auto tailed = with_length(frame + "xy"); // no TLV
    EXPECT_TRUE(read_submit_sm_resp(tailed, r));
    EXPECT_EQ(r.message_id, "0a1b2c3d");
    EXPECT_FALSE(read_submit_sm_resp(with_length(frame.substr(0, frame.size() - 1)), r)); // no NUL
    EXPECT_FALSE(read_submit_sm_resp(encode({0, 7, deliver_sm_resp{}}).value(), r));
    EXPECT_FALSE(read_submit_sm_resp(frame + '\0', r));
    EXPECT_FALSE(read_submit_sm_resp("", r));
}

// ---- frames

TEST(smpp_frame_splitter, gives_the_same_frames_wherever_the_stream_is_cut) {
    std::vector<std::string> frames;
    for (const char* id : {"cloudhopper.deliver_sm.162", "cloudhopper.deliver_sm.235",
                           "cloudhopper.deliver_sm.64", "node-smpp.submit_sm.ucs2"})
        frames.push_back(published(id));
    frames.push_back(encode({0, 1, enquire_link{}}).value());
    std::string stream;
    for (const auto& f : frames) stream += f;
    const auto take = [](frame_splitter& splitter, std::vector<std::string>& got) {
        for (auto frame = splitter.next(); frame && !frame->empty(); frame = splitter.next())
            got.emplace_back(*frame);
    };
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        frame_splitter splitter;
        std::vector<std::string> got;
        splitter.feed(std::string_view(stream).substr(0, cut));
        take(splitter, got);
        splitter.feed(std::string_view(stream).substr(cut));
        take(splitter, got);
        ASSERT_EQ(got, frames) << "cut at " << cut;
        ASSERT_EQ(splitter.buffered(), 0U);
    }
    frame_splitter by_byte;
    std::vector<std::string> got;
    for (const char c : stream) {
        by_byte.feed({&c, 1});
        take(by_byte, got);
    }
    EXPECT_EQ(got, frames);
}

TEST(smpp_frame_splitter, refuses_an_absurd_length_at_once) {
    for (const std::uint32_t total : {0U, 15U, 70001U, 0x7fffffffU, 0xffffffffU}) {
        frame_splitter splitter;
        const char bytes[4] = {static_cast<char>(total >> 24), static_cast<char>(total >> 16),
                               static_cast<char>(total >> 8), static_cast<char>(total)};
        splitter.feed({bytes, 4});
        ASSERT_FALSE(splitter.next());
        EXPECT_NE(splitter.next().error().text().find("command_length " + std::to_string(total)),
                  std::string::npos);
    }
}

} // namespace
} // namespace zhida::gateways::smpp
