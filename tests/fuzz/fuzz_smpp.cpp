// Any bytes through the splitter and the decoder; whatever is decoded must be written and read again as the
// same PDU, and whatever is a receipt must be read.
#include "services/gateways/smpp_codec.hpp"

#include <cstdlib>

namespace smpp = zhida::gateways::smpp;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

void one_frame(std::string_view frame) {
    smpp::submit_sm_resp_view quick;
    const bool read = smpp::read_submit_sm_resp(frame, quick);
    const auto p = smpp::decode(frame);
    if (!p) return check(!p.error().text().empty());
    if (const auto* r = std::get_if<smpp::submit_sm_resp>(&p->body))
        check(read && r->message_id == quick.message_id && p->sequence_number == quick.sequence_number);
    if (const auto* d = std::get_if<smpp::deliver_sm>(&p->body)) {
        const auto receipt = smpp::read_receipt(*d);
        if (receipt) check(!receipt->id.empty());
    }
    const auto again = smpp::encode(*p);
    check(again.has_value());
    check(smpp::decode(*again).value() == *p);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    one_frame(bytes);
    if (const auto r = smpp::read_receipt_text(bytes)) check(!r->id.empty());
    smpp::frame_splitter splitter;
    const std::size_t step = size == 0 ? 1 : data[0] % 64 + 1U;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        splitter.feed(bytes.substr(at, step));
        for (;;) {
            const auto frame = splitter.next();
            if (!frame) return 0;
            if (frame->empty()) break;
            one_frame(*frame);
        }
    }
    return 0;
}
