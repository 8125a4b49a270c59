// Any bytes through the splitter and the decoder; whatever is decoded must be written and read again as the
// same PDU.
#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/inbound_text.hpp"

#include <cstdlib>

namespace cmpp = zhida::gateways::cmpp;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

void one_frame(std::string_view frame, cmpp::version expected) {
    auto p = cmpp::decode(frame, expected);
    if (!p) return check(!p.error().text().empty());
    if (auto* d = std::get_if<cmpp::deliver>(&p->body)) {
        if (const auto report = cmpp::decode_report(d->Msg_Content)) {
            const auto layout = d->Msg_Content.size() == 60 ? cmpp::version::v20 : cmpp::version::v30;
            check(cmpp::decode_report(cmpp::encode_report(*report, layout).value()).value() == *report);
        }
        (void)zhida::gateways::asks_to_stop(zhida::gateways::inbound_utf8(d->Msg_Content, d->Msg_Fmt));
        // A tail may be longer than the layout's own; it is read, never written.
        d->LinkID.resize(std::min<std::size_t>(d->LinkID.size(), p->layout == cmpp::version::v30 ? 20 : 8));
    }
    const auto again = cmpp::encode(*p);
    check(again.has_value());
    check(cmpp::decode(*again, p->layout).value() == *p);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto expected : {cmpp::version::v20, cmpp::version::v30}) {
        one_frame(bytes, expected);
        cmpp::frame_splitter splitter;
        const std::size_t step = size == 0 ? 1 : data[0] % 64 + 1U;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            splitter.feed(bytes.substr(at, step));
            for (;;) {
                const auto frame = splitter.next();
                if (!frame) return 0;
                if (frame->empty()) break;
                one_frame(*frame, expected);
            }
        }
    }
    return 0;
}
