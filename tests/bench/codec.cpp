// What the codecs of the SMS protocols cost: PDUs a second on one core, CPU time. The mix, in equal shares:
// a submit with 140 bytes of content, its response, a delivery report, its response, a keepalive.
//   codec_cmpp20_pdus_per_s, codec_cmpp30_pdus_per_s, codec_smpp_pdus_per_s
//                       each PDU is written, found in the byte stream again by the splitter, and read
//   codec_pdus_per_s    the slowest of the three
//   codec_..._encode_per_s, codec_..._decode_per_s    the one half and the other
//   codec_..._submit_per_s, codec_..._report_per_s    written and read, of the two large kinds alone
// Every PDU differs from the one before in its number, its ids and its phone; what was read is compared with
// what was written.
// Arguments: rounds (20000, of 320 PDUs), and a folder for what the peers need (tests/bench/peers): the SMPP
// frames of a round and the figures in codec.json.
#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/smpp_codec.hpp"
#include "services/gateways/sms_text.hpp"
#include "tests/bench/support/measure.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

using namespace zhida;
using namespace zhida::gateways;

namespace {

constexpr std::size_t kinds = 5, each = 64;

sms_part part_of_140_bytes() {
    std::string text;
    for (int i = 0; i < 134; ++i) text += "策";
    return segment_sms(text, 7).value().front();
}
std::string phone_of(std::uint64_t n) {
    auto digits = std::to_string(n % 100'000'000);
    return "138" + std::string(8 - digits.size(), '0') + digits;
}

struct cmpp_mix {
    using pdu = cmpp::pdu;
    using splitter = cmpp::frame_splitter;
    cmpp::version layout;

    pdu make(std::size_t kind, std::uint64_t n) const {
        pdu p{static_cast<std::uint32_t>(n), layout, cmpp::active_test{}};
        const std::uint64_t id = 0xB4C5530000010000 + n;
        if (kind == 0) {
            cmpp::submit s;
            s.Service_Id = "ZHIDA";
            s.Fee_UserType = 2;
            s.TP_udhi = 1;
            s.Pk_total = 2;
            s.Msg_Fmt = sms_format_ucs2;
            s.Msg_src = "900001";
            s.FeeType = "01";
            s.FeeCode = "000000";
            s.Src_Id = "1069000012345";
            s.Dest_terminal_Id = {phone_of(n)};
            s.Msg_Content = part_of_140_bytes().content;
            p.body = std::move(s);
        } else if (kind == 1) {
            p.body = cmpp::submit_resp{id, 0};
        } else if (kind == 2) {
            cmpp::deliver d;
            d.Msg_Id = id;
            d.Dest_Id = "1069000012345";
            d.Service_Id = "ZHIDA";
            d.Src_terminal_Id = phone_of(n);
            d.Registered_Delivery = 1;
            d.Msg_Content =
                cmpp::encode_report({id - 1, "DELIVRD", "2611230905", "2611230906", phone_of(n), 9}, layout)
                    .value();
            p.body = std::move(d);
        } else if (kind == 3) {
            p.body = cmpp::deliver_resp{id, 0};
        }
        return p;
    }
    result<pdu> decode(std::string_view frame) const { return cmpp::decode(frame, layout); }
    // A report is read to its fields.
    bool whole(const pdu& p) const {
        const auto* d = std::get_if<cmpp::deliver>(&p.body);
        return d == nullptr || cmpp::decode_report(d->Msg_Content)->Msg_Id + 1 == d->Msg_Id;
    }
};

struct smpp_mix {
    using pdu = smpp::pdu;
    using splitter = smpp::frame_splitter;

    pdu make(std::size_t kind, std::uint64_t n) const {
        pdu p{0, static_cast<std::uint32_t>(n), smpp::enquire_link{}};
        const auto id = cmpp::id_text(0xB4C5530000010000 + n);
        if (kind == 0) {
            smpp::submit_sm s;
            s.source_addr = "1069000012345";
            s.dest_addr_ton = s.dest_addr_npi = 1;
            s.destination_addr = "86" + phone_of(n);
            s.esm_class = smpp::esm_udhi;
            s.registered_delivery = 1;
            s.data_coding = smpp::data_coding_ucs2;
            s.short_message = part_of_140_bytes().content;
            p.body = std::move(s);
        } else if (kind == 1) {
            p.body = smpp::submit_sm_resp{id, {}};
        } else if (kind == 2) {
            smpp::deliver_sm d;
            d.source_addr = "86" + phone_of(n);
            d.destination_addr = "1069000012345";
            d.esm_class = smpp::esm_delivery_receipt;
            d.short_message =
                smpp::receipt_text({id, "001", "001", "2611230905", "2611230906", "DELIVRD", "000", ""});
            d.optional = {{smpp::tag::receipted_message_id, id + '\0'}, {smpp::tag::message_state, "\x02"}};
            p.body = std::move(d);
        } else if (kind == 3) {
            p.body = smpp::deliver_sm_resp{};
        }
        return p;
    }
    result<pdu> decode(std::string_view frame) const { return smpp::decode(frame); }
    static std::string_view text(const pdu& p) {
        if (const auto* s = std::get_if<smpp::submit_sm>(&p.body)) return s->short_message;
        if (const auto* d = std::get_if<smpp::deliver_sm>(&p.body)) return d->short_message;
        return {};
    }
    bool whole(const pdu& p) const {
        const auto* d = std::get_if<smpp::deliver_sm>(&p.body);
        return d == nullptr || smpp::read_receipt(*d)->stat == "DELIVRD";
    }
};

template <class Mix>
std::size_t encode_all(const std::vector<typename Mix::pdu>& pdus, std::string& stream) {
    stream.clear();
    for (const auto& p : pdus)
        if (!append(stream, p)) throw std::runtime_error("a PDU cannot be written");
    return pdus.size();
}

// `against`: compared with what was written, field by field; empty: not.
template <class Mix>
std::size_t decode_all(const Mix& mix, typename Mix::splitter& splitter, std::string_view stream,
                       const std::vector<typename Mix::pdu>& against) {
    std::size_t count = 0;
    splitter.feed(stream);
    for (;;) {
        const auto frame = splitter.next();
        if (!frame) throw std::runtime_error(frame.error().text());
        if (frame->empty()) return count;
        const auto p = mix.decode(*frame);
        if (!p || !mix.whole(*p) || (!against.empty() && !(*p == against[count])))
            throw std::runtime_error("a PDU was read otherwise than it was written");
        ++count;
    }
}

template <class Mix>
std::vector<typename Mix::pdu> some(const Mix& mix, std::size_t first_kind, std::size_t last_kind) {
    std::vector<typename Mix::pdu> pdus;
    for (std::uint64_t n = 0; pdus.size() < kinds * each; ++n)
        for (auto kind = first_kind; kind <= last_kind; ++kind) pdus.push_back(mix.make(kind, n + 1));
    return pdus;
}

template <class Step>
double per_s(int rounds, Step step) {
    for (int i = 0; i < rounds / 20; ++i) step();
    std::size_t count = 0;
    const auto began = bench::own_cpu_s();
    for (int i = 0; i < rounds; ++i) count += step();
    return static_cast<double>(count) / (bench::own_cpu_s() - began);
}

struct figures {
    double both = 0, written = 0, read = 0; // PDUs a second
};

template <class Mix>
figures measure(const Mix& mix, const std::string& name, int rounds) {
    std::string stream;
    typename Mix::splitter splitter;
    const auto both = [&](const std::vector<typename Mix::pdu>& pdus) {
        encode_all<Mix>(pdus, stream);
        decode_all(mix, splitter, stream, pdus); // once with every field compared
        return per_s(rounds, [&] {
            encode_all<Mix>(pdus, stream);
            return decode_all(mix, splitter, stream, {});
        });
    };
    const auto pdus = some(mix, 0, kinds - 1);
    figures f;
    f.both = both(pdus);
    f.written = per_s(rounds, [&] { return encode_all<Mix>(pdus, stream); });
    f.read = per_s(rounds, [&] { return decode_all(mix, splitter, stream, {}); });
    bench::print("codec_" + name + "_pdus_per_s", f.both, "1/s");
    bench::print("codec_" + name + "_encode_per_s", f.written, "1/s");
    bench::print("codec_" + name + "_decode_per_s", f.read, "1/s");
    bench::print("codec_" + name + "_submit_per_s", both(some(mix, 0, 0)), "1/s");
    bench::print("codec_" + name + "_report_per_s", both(some(mix, 2, 2)), "1/s");
    return f;
}

void write_for_peers(const smpp_mix& mix, const figures& f, const std::string& file) {
    json frames = json::array();
    for (const auto& p : some(mix, 0, kinds - 1))
        frames.push_back(
            {{"frame", crypto::hex(smpp::encode(p).value())}, {"text", crypto::hex(smpp_mix::text(p))}});
    std::ofstream(file) << to_text(json{{"frames", frames},
                                        {"pdus_per_s", f.both},
                                        {"encode", f.written},
                                        {"decode", f.read}})
                        << "\n";
}

} // namespace

int main(int argc, char** argv) try {
    int rounds = 20'000;
    std::string folder;
    for (int i = 1; i < argc; ++i) {
        if (const auto n = std::atoi(argv[i]); n > 0)
            rounds = n;
        else
            folder = argv[i];
    }
    const auto cmpp20 = measure(cmpp_mix{cmpp::version::v20}, "cmpp20", rounds);
    const auto cmpp30 = measure(cmpp_mix{cmpp::version::v30}, "cmpp30", rounds);
    const auto by_smpp = measure(smpp_mix{}, "smpp", rounds);
    bench::print("codec_pdus_per_s", std::min({cmpp20.both, cmpp30.both, by_smpp.both}), "1/s");
    if (!folder.empty()) write_for_peers(smpp_mix{}, by_smpp, folder + "/codec.json");
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
