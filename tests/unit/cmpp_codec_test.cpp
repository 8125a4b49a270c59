#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/cmpp_submit.hpp"

#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <iterator>

namespace zhida::gateways::cmpp {
namespace {

const json& vectors() {
    static const json loaded = [] {
        std::ifstream file(zhida::tests::in_source("tests/data/cmpp_vectors.json"));
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        return parse_json(text).value();
    }();
    return loaded;
}

std::string text_of(const json& fields, const char* name) {
    return fields.at(name).get<std::string>();
}
std::string hex_of(const digest& d) {
    return crypto::hex({reinterpret_cast<const char*>(d.data()), d.size()});
}
std::uint8_t Version_of(const json& fields) {
    return static_cast<std::uint8_t>(std::stoul(text_of(fields, "Version"), nullptr, 16));
}

struct compared {
    const json& f;
    version layout;

    void operator()(const connect& b) const {
        EXPECT_EQ(b.Source_Addr, text_of(f, "Source_Addr"));
        EXPECT_EQ(hex_of(b.AuthenticatorSource), text_of(f, "AuthenticatorSource"));
        EXPECT_EQ(b.Version, Version_of(f));
        EXPECT_EQ(b.Timestamp, f.at("Timestamp").get<std::uint32_t>());
    }
    void operator()(const connect_resp& b) const {
        EXPECT_EQ(b.Status, f.at("Status").get<std::uint32_t>());
        EXPECT_EQ(hex_of(b.AuthenticatorISMG), text_of(f, "AuthenticatorISMG"));
        EXPECT_EQ(b.Version, Version_of(f));
    }
    void operator()(const terminate&) const {}
    void operator()(const terminate_resp&) const {}
    void operator()(const submit& b) const {
        EXPECT_EQ(id_text(b.Msg_Id), text_of(f, "Msg_Id"));
        EXPECT_EQ(b.Pk_total, f.at("Pk_total").get<int>());
        EXPECT_EQ(b.Pk_number, f.at("Pk_number").get<int>());
        EXPECT_EQ(b.Registered_Delivery, f.at("Registered_Delivery").get<int>());
        EXPECT_EQ(b.Msg_level, f.at("Msg_level").get<int>());
        EXPECT_EQ(b.Service_Id, text_of(f, "Service_Id"));
        EXPECT_EQ(b.Fee_UserType, f.at("Fee_UserType").get<int>());
        EXPECT_EQ(b.Fee_terminal_Id, text_of(f, "Fee_terminal_Id"));
        EXPECT_EQ(b.TP_pId, f.at("TP_pId").get<int>());
        EXPECT_EQ(b.TP_udhi, f.at("TP_udhi").get<int>());
        EXPECT_EQ(b.Msg_Fmt, f.at("Msg_Fmt").get<int>());
        EXPECT_EQ(b.Msg_src, text_of(f, "Msg_src"));
        EXPECT_EQ(b.FeeType, text_of(f, "FeeType"));
        EXPECT_EQ(b.FeeCode, text_of(f, "FeeCode"));
        EXPECT_EQ(b.ValId_Time, text_of(f, "ValId_Time"));
        EXPECT_EQ(b.At_Time, text_of(f, "At_Time"));
        EXPECT_EQ(b.Src_Id, text_of(f, "Src_Id"));
        EXPECT_EQ(b.Dest_terminal_Id, f.at("Dest_terminal_Id").get<std::vector<std::string>>());
        EXPECT_EQ(b.Msg_Content.size(), f.at("Msg_Length").get<std::size_t>());
        EXPECT_EQ(crypto::hex(b.Msg_Content), text_of(f, "Msg_Content_hex"));
        EXPECT_EQ(b.LinkID, text_of(f, layout == version::v30 ? "LinkID" : "Reserve"));
    }
    void operator()(const submit_resp& b) const {
        EXPECT_EQ(id_text(b.Msg_Id), text_of(f, "Msg_Id"));
        EXPECT_EQ(b.Result, f.at("Result").get<std::uint32_t>());
    }
    void operator()(const deliver& b) const {
        EXPECT_EQ(id_text(b.Msg_Id), text_of(f, "Msg_Id"));
        EXPECT_EQ(b.Dest_Id, text_of(f, "Dest_Id"));
        EXPECT_EQ(b.Service_Id, text_of(f, "Service_Id"));
        EXPECT_EQ(b.TP_pid, f.at("TP_pid").get<int>());
        EXPECT_EQ(b.TP_udhi, f.at("TP_udhi").get<int>());
        EXPECT_EQ(b.Msg_Fmt, f.at("Msg_Fmt").get<int>());
        EXPECT_EQ(b.Src_terminal_Id, text_of(f, "Src_terminal_Id"));
        EXPECT_EQ(b.Src_terminal_type, f.at("Src_terminal_type").get<int>());
        EXPECT_EQ(b.Registered_Delivery, f.at("Registered_Delivery").get<int>());
        EXPECT_EQ(crypto::hex(b.Msg_Content), text_of(f, "Msg_Content_hex"));
        EXPECT_EQ(b.LinkID, text_of(f, "LinkID"));
        if (!f.contains("report")) return;
        const auto report = decode_report(b.Msg_Content).value();
        EXPECT_EQ(id_text(report.Msg_Id), text_of(f.at("report"), "Msg_Id"));
        EXPECT_EQ(report.Stat, text_of(f.at("report"), "Stat"));
        EXPECT_EQ(report.Dest_terminal_Id, text_of(f.at("report"), "Dest_terminal_Id"));
    }
    void operator()(const deliver_resp& b) const {
        EXPECT_EQ(id_text(b.Msg_Id), text_of(f, "Msg_Id"));
        EXPECT_EQ(b.Result, f.at("Result").get<std::uint32_t>());
    }
    void operator()(const active_test&) const {}
    void operator()(const active_test_resp& b) const { EXPECT_EQ(b.Reserved, 0); }
    void operator()(const other&) const { ADD_FAILURE() << "not recognised"; }
};

TEST(cmpp_codec, reads_and_writes_every_published_pdu) {
    int seen = 0;
    for (const auto& v : vectors().at("cmpp_pdus")) {
        SCOPED_TRACE(text_of(v, "id"));
        const auto bytes = crypto::from_hex(text_of(v, "hex")).value();
        // The layout is found by length: the expected version may be wrong, except where no length tells.
        for (const auto expected : {version::v20, version::v30}) {
            const auto p = decode(bytes, expected);
            ASSERT_TRUE(p) << p.error().text();
            EXPECT_EQ(p->Sequence_Id, v.at("fields").at("Sequence_Id").get<std::uint32_t>());
            std::visit(compared{v.at("fields"), p->layout}, p->body);
            EXPECT_EQ(crypto::hex(encode(*p).value()), text_of(v, "hex"));
            ++seen;
        }
        const std::uint32_t id =
            static_cast<std::uint32_t>(std::stoul(text_of(v.at("fields"), "Command_Id"), nullptr, 16));
        EXPECT_STREQ(name_of(id), text_of(v.at("fields"), "name").c_str());
    }
    EXPECT_EQ(seen, 32);
}

TEST(cmpp_codec, reads_and_writes_the_published_report) {
    const auto& v = vectors().at("cmpp_reports").at(0);
    const auto report = decode_report(crypto::from_hex(text_of(v, "hex")).value()).value();
    EXPECT_EQ(id_text(report.Msg_Id), "b4c5530000010000");
    EXPECT_EQ(report.Stat, "DELIVRD");
    EXPECT_EQ(report.Submit_time, "1511120955");
    EXPECT_EQ(report.Done_time, "1511120957");
    EXPECT_EQ(report.Dest_terminal_Id, "13412340000");
    EXPECT_EQ(report.SMSC_sequence, 305419896U);
    EXPECT_EQ(crypto::hex(encode_report(report, version::v20).value()), text_of(v, "hex"));
}

TEST(cmpp_codec, keeps_message_ids_bit_for_bit) {
    for (const auto& v : vectors().at("cmpp_msg_id")) {
        const auto number = v.at("uint64").get<std::uint64_t>();
        EXPECT_EQ(id_text(number), text_of(v, "hex"));
        const auto p =
            decode(encode({1, version::v20, submit_resp{number, 0}}).value(), version::v20).value();
        EXPECT_EQ(std::get<submit_resp>(p.body).Msg_Id, number);
    }
}

deliver report_in(version content) {
    deliver d;
    d.Msg_Id = 7;
    d.Dest_Id = "10690000";
    d.Src_terminal_Id = "13800000001";
    d.Registered_Delivery = 1;
    d.Msg_Content =
        encode_report({42, "DELIVRD", "2611230905", "2611230906", "13800000001", 9}, content).value();
    return d;
}

TEST(cmpp_codec, takes_a_report_of_one_version_inside_a_deliver_of_the_other) {
    for (const auto outside : {version::v20, version::v30})
        for (const auto inside : {version::v20, version::v30}) {
            const auto p = decode(encode({3, outside, report_in(inside)}).value(), outside).value();
            EXPECT_EQ(p.layout, outside);
            const auto r = decode_report(std::get<deliver>(p.body).Msg_Content).value();
            EXPECT_EQ(r.Msg_Id, 42U);
            EXPECT_EQ(r.Dest_terminal_Id, "13800000001");
            EXPECT_EQ(r.SMSC_sequence, 9U);
        }
}

std::string shortened(std::string frame, std::size_t by) {
    frame.resize(frame.size() - by);
    frame[2] = static_cast<char>(frame.size() >> 8);
    frame[3] = static_cast<char>(frame.size());
    return frame;
}

TEST(cmpp_codec, takes_whatever_tail_a_deliver_has) {
    const auto whole = encode({3, version::v30, report_in(version::v30)}).value();
    for (std::size_t missing = 0; missing <= 20; ++missing) {
        const auto p = decode(shortened(whole, missing), version::v30);
        ASSERT_TRUE(p) << missing << p.error().text();
        EXPECT_EQ(decode_report(std::get<deliver>(p->body).Msg_Content)->Msg_Id, 42U);
    }
    const auto p = decode(shortened(whole, 21), version::v30);
    ASSERT_FALSE(p);
    EXPECT_NE(p.error().text().find("Msg_Length"), std::string::npos) << p.error().text();
}

TEST(cmpp_codec, names_lengths_that_lie) {
    submit s;
    s.Dest_terminal_Id = {"13800000001"};
    s.Msg_Content = "text";
    auto frame = encode({1, version::v30, s}).value();
    const auto expect_refused = [](std::string_view bytes, const char* says) {
        const auto p = decode(bytes, version::v30);
        ASSERT_FALSE(p);
        EXPECT_EQ(p.error().code, errc::invalid);
        EXPECT_NE(p.error().text().find(says), std::string::npos) << p.error().text();
    };
    expect_refused(shortened(frame, 1), "DestUsr_tl and Msg_Length ask for");
    expect_refused(std::string_view(frame).substr(0, 40), "Total_Length 199 on a frame of 40 bytes");
    expect_refused("abc", "on a frame of 3 bytes");
    expect_refused(std::string("\0\0\0\x16\x80\0\0\x04\0\0\0\x01"
                               "1234567890",
                               22),
                   "21 (2.0) or 24 (3.0)");
    expect_refused(std::string("\0\0\0\x0d\0\0\0\x08\0\0\0\x01"
                               "1",
                               13),
                   "12 is its only length");
    EXPECT_FALSE(decode_report(std::string(61, 'x')));
    EXPECT_NE(decode_report("").error().text().find("60 or 71"), std::string::npos);
}

TEST(cmpp_codec, refuses_to_write_what_does_not_fit) {
    submit s;
    s.Dest_terminal_Id = {"13800000001"};
    s.Service_Id = "elevenchars";
    EXPECT_EQ(encode({1, version::v30, s}).error().text(),
              "CMPP_SUBMIT.Service_Id: 11 bytes, the field has 10");
    s.Service_Id.clear();
    s.Dest_terminal_Id.clear();
    EXPECT_EQ(encode({1, version::v30, s}).error().where, "CMPP_SUBMIT.DestUsr_tl");
    EXPECT_EQ(encode({1, version::v20, submit_resp{1, 256}}).error().where, "CMPP_SUBMIT_RESP.Result");
}

TEST(cmpp_codec, keeps_commands_that_it_does_not_speak) {
    const pdu cancel{5, version::v20, other{7, std::string("\0\x01", 2)}};
    EXPECT_EQ(decode(encode(cancel).value(), version::v20).value(), cancel);
}

std::string text_up_to(std::size_t most) {
    const auto size = *rc::gen::inRange<std::size_t>(0, most + 1);
    return *rc::gen::container<std::string>(size, rc::gen::inRange<char>(32, 127));
}

RC_GTEST_PROP(cmpp_codec, submit_survives_a_round_trip, ()) {
    const auto layout = *rc::gen::element(version::v20, version::v30);
    const bool v30 = layout == version::v30;
    submit s;
    s.Msg_Id = *rc::gen::arbitrary<std::uint64_t>();
    s.Pk_total = *rc::gen::arbitrary<std::uint8_t>();
    s.TP_udhi = *rc::gen::arbitrary<std::uint8_t>();
    s.Service_Id = text_up_to(10);
    s.Fee_terminal_Id = text_up_to(v30 ? 32 : 21);
    s.Fee_terminal_type = v30 ? 1 : 0;
    s.Src_Id = text_up_to(21);
    s.ValId_Time = text_up_to(17);
    s.Dest_terminal_Id.resize(*rc::gen::inRange<std::size_t>(1, 100));
    for (auto& d : s.Dest_terminal_Id) d = text_up_to(v30 ? 32 : 21);
    s.Msg_Content =
        *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, 256), rc::gen::arbitrary<char>());
    s.LinkID = text_up_to(v30 ? 20 : 8);
    const pdu p{*rc::gen::arbitrary<std::uint32_t>(), layout, s};
    const auto bytes = encode(p).value();
    RC_ASSERT(bytes.size() ==
              (v30 ? 163 + 32 * s.Dest_terminal_Id.size() : 138 + 21 * s.Dest_terminal_Id.size()) +
                  s.Msg_Content.size());
    RC_ASSERT(decode(bytes, layout).value() == p);
}

RC_GTEST_PROP(cmpp_codec, deliver_survives_a_round_trip, ()) {
    const auto layout = *rc::gen::element(version::v20, version::v30);
    deliver d;
    d.Msg_Id = *rc::gen::arbitrary<std::uint64_t>();
    d.Dest_Id = text_up_to(21);
    d.Src_terminal_Id = text_up_to(layout == version::v30 ? 32 : 21);
    d.Msg_Content =
        *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, 256), rc::gen::arbitrary<char>());
    d.LinkID = text_up_to(layout == version::v30 ? 20 : 8);
    const pdu p{*rc::gen::arbitrary<std::uint32_t>(), layout, d};
    RC_ASSERT(decode(encode(p).value(), layout).value() == p);
}

std::string whole_stream(std::vector<std::string>& frames) {
    std::string stream;
    for (const auto& v : vectors().at("cmpp_pdus")) {
        frames.push_back(crypto::from_hex(text_of(v, "hex")).value());
        stream += frames.back();
    }
    return stream;
}

TEST(submit_form, writes_what_encode_writes) {
    for (const auto layout : {version::v20, version::v30}) {
        submit s;
        s.Service_Id = "ZHIDA";
        s.Fee_UserType = 2;
        s.Msg_Fmt = sms_format_ucs2;
        s.Msg_src = "900001";
        s.FeeType = "01";
        s.FeeCode = "000000";
        s.Src_Id = "10690000";
        const auto form = submit_form::of(s, layout).value();
        std::string written = "before";
        std::string expected = written;
        std::uint32_t sequence = 0xFFFFFFFE;
        std::string text;
        for (int i = 0; i < 150; ++i) text += "策";
        for (const auto& words : {std::string("直达"), text})
            for (const auto& part : segment_sms(words, 0xAB).value()) {
                s.Pk_total = part.total;
                s.Pk_number = part.number;
                s.TP_udhi = part.udhi ? 1 : 0;
                s.Dest_terminal_Id = {"13800000001"};
                s.Msg_Content = part.content;
                expected += encode({sequence, layout, s}).value();
                auto of_any_ref = part;
                if (part.udhi) of_any_ref.content[3] = 0;
                form.append(written, sequence++, of_any_ref, 0xAB, "13800000001");
            }
        EXPECT_EQ(written, expected);
        s.Src_Id = "1069000001";
        written.clear();
        form.append(written, sequence, segment_sms("直达", 0).value().front(), 0, "13800000001", "01");
        s.Pk_total = s.Pk_number = 1;
        s.TP_udhi = 0;
        s.Msg_Content = segment_sms("直达", 0).value().front().content;
        EXPECT_EQ(written, encode({sequence, layout, s}).value());
        s.Src_Id = std::string(22, '1');
        EXPECT_EQ(submit_form::of(s, layout).error().where, "CMPP_SUBMIT.Src_Id");
    }
}

TEST(read_submit_resp, reads_as_decode_does_and_nothing_else) {
    for (const auto layout : {version::v20, version::v30}) {
        const pdu p{7, layout, submit_resp{0xB4C5530000010000, 13}};
        std::uint32_t sequence = 0;
        submit_resp r;
        ASSERT_TRUE(read_submit_resp(encode(p).value(), sequence, r));
        EXPECT_EQ(sequence, 7U);
        EXPECT_EQ(r, std::get<submit_resp>(p.body));
        EXPECT_FALSE(read_submit_resp(encode({7, layout, deliver_resp{1, 0}}).value(), sequence, r));
        EXPECT_FALSE(read_submit_resp(encode(p).value() + '\0', sequence, r));
        EXPECT_FALSE(read_submit_resp("", sequence, r));
    }
}

void take_frames(frame_splitter& splitter, std::vector<std::string>& got) {
    for (;;) {
        const auto frame = splitter.next();
        ASSERT_TRUE(frame) << frame.error().text();
        if (frame->empty()) return;
        got.emplace_back(*frame);
    }
}

TEST(frame_splitter, gives_the_same_frames_wherever_the_stream_is_cut) {
    std::vector<std::string> frames;
    const auto stream = whole_stream(frames);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        frame_splitter splitter;
        std::vector<std::string> got;
        splitter.feed(std::string_view(stream).substr(0, cut));
        take_frames(splitter, got);
        splitter.feed(std::string_view(stream).substr(cut));
        take_frames(splitter, got);
        ASSERT_EQ(got, frames) << "cut at " << cut;
        ASSERT_EQ(splitter.buffered(), 0U);
    }
    frame_splitter by_byte;
    std::vector<std::string> got;
    for (const char c : stream) {
        by_byte.feed({&c, 1});
        take_frames(by_byte, got);
    }
    EXPECT_EQ(got, frames);
}

TEST(frame_splitter, refuses_an_absurd_length_at_once) {
    for (const std::uint32_t total : {0U, 11U, 4097U, 0x7fffffffU, 0xffffffffU}) {
        frame_splitter splitter;
        const char bytes[4] = {static_cast<char>(total >> 24), static_cast<char>(total >> 16),
                               static_cast<char>(total >> 8), static_cast<char>(total)};
        splitter.feed({bytes, 4});
        ASSERT_FALSE(splitter.next());
        EXPECT_NE(splitter.next().error().text().find(std::to_string(total)), std::string::npos);
    }
}

} // namespace
} // namespace zhida::gateways::cmpp
