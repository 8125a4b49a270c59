// Any bytes through what a session does with them, in both protocols: frames, events, replies, texts put
// together from parts. Each reply is a frame of its protocol.
#include "services/gateways/cmpp_protocol.hpp"
#include "services/gateways/inbound_parts.hpp"
#include "services/gateways/smpp_protocol.hpp"

#include "common/base/utf8.hpp"

#include <cstdlib>

namespace gateways = zhida::gateways;
namespace wire = gateways::wire;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

bool one_frame(const wire::protocol& p, std::string_view bytes) {
    auto splitter = p.splitter();
    splitter.feed(bytes);
    const auto frame = splitter.next();
    return frame && frame->size() == bytes.size();
}

void session(const wire::protocol& p, std::string_view bytes) {
    auto splitter = p.splitter();
    wire::inbound_parts parts("sms");
    wire::event e;
    zhida::steady_time now{};
    const auto look = [&](const std::vector<wire::inbound_parts::whole>& texts) {
        for (const auto& t : texts) check(zhida::valid_utf8(t.text.text));
    };
    splitter.feed(bytes);
    for (;;) {
        const auto frame = splitter.next();
        if (!frame || frame->empty()) break;
        (void)p.read_login(*frame, "0123456789abcdef");
        e.reply.clear();
        p.read(*frame, {}, e);
        check(e.reply.empty() || one_frame(p, e.reply));
        if (e.what == wire::event::kind::submit_answered) check(e.reaction != nullptr);
        if (e.what != wire::event::kind::inbound) continue;
        check(e.wrote.number >= 1 && e.wrote.number <= e.wrote.total);
        std::string confirmed;
        p.confirm(confirmed, e.from);
        check(one_frame(p, confirmed));
        now += zhida::milliseconds(700);
        look(parts.add(e.wrote, {{}, e.from}, {}, now));
        (void)parts.unconfirmed(now);
        look(parts.overdue(now));
    }
    look(parts.confirmed());
    look(parts.overdue(now + wire::inbound_parts::patience));
    check(parts.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    static const auto hex = [] {
        zhida::sms_gateway_config c;
        c.receipt_ids = "decimal_of_hex";
        return c;
    }();
    static const gateways::cmpp::protocol cmpp{zhida::sms_gateway_config{}};
    static const gateways::smpp::protocol smpp(zhida::sms_gateway_config{}), smpp_hex(hex);
    session(cmpp, bytes);
    session(smpp, bytes);
    session(smpp_hex, bytes);
    return 0;
}
