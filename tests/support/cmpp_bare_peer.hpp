// An SP that sends what it is told to and shows what comes: for what a client would hide of a gateway.
#pragma once

#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/cmpp_codec.hpp"
#include "tests/support/gateways.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace zhida::tests {

class cmpp_bare_peer {
  public:
    gateways::cmpp::version layout;
    std::vector<std::size_t> reads; // bytes that came at once
    bool closed = false;            // by the gateway
    bool broken = false;            // the stream cannot be read any further

    cmpp_bare_peer(simulated& s, gateways::cmpp::version v) : layout(v), all_(s), socket_(s.on.executor()) {
        socket_.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(s.sms.port)});
        socket_.non_blocking(true);
    }
    void send(std::uint32_t Sequence_Id, decltype(gateways::cmpp::pdu::body) body) {
        asio::write(socket_,
                    asio::buffer(gateways::cmpp::encode({Sequence_Id, layout, std::move(body)}).value()));
    }
    // The next PDU; nothing where none comes within the limit.
    std::optional<gateways::cmpp::pdu> next(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        std::string frame;
        all_.wait_until([&] { return read_one(frame) || closed || broken; }, limit);
        last_frame = frame;
        if (frame.empty()) return std::nullopt;
        auto p = gateways::cmpp::decode(frame, layout);
        if (!p) return std::nullopt;
        return std::move(*p);
    }
    std::string last_frame; // of next(); empty: none came
    template <class Body>
    std::optional<Body> next_as(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        const auto p = next(limit);
        const auto* body = p ? std::get_if<Body>(&p->body) : nullptr;
        sequence = p ? p->Sequence_Id : 0;
        return body ? std::optional<Body>(*body) : std::nullopt;
    }
    std::uint32_t sequence = 0; // Sequence_Id of what next_as() gave
    gateways::cmpp::connect request(std::string secret = "888888") const {
        gateways::cmpp::connect r;
        r.Source_Addr = all_.sms.source_addr;
        r.Version = static_cast<std::uint8_t>(layout);
        r.Timestamp = gateways::cmpp::timestamp_of(all_.time.now());
        r.AuthenticatorSource = gateways::cmpp::authenticator_source(r.Source_Addr, secret, r.Timestamp);
        return r;
    }
    std::optional<gateways::cmpp::connect_resp> login(std::string secret = "888888") {
        send(1, request(std::move(secret)));
        return next_as<gateways::cmpp::connect_resp>();
    }
    void submit(std::uint32_t Sequence_Id, const std::string& phone) {
        gateways::cmpp::submit s;
        s.Msg_src = all_.sms.source_addr;
        s.Src_Id = all_.sms.src_id;
        s.Dest_terminal_Id = {phone};
        s.Msg_Content = "hello";
        send(Sequence_Id, s);
    }
    // The report in the next DELIVER, which is confirmed.
    std::optional<gateways::cmpp::status_report>
    report(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        const auto d = next_as<gateways::cmpp::deliver>(limit);
        if (!d || d->Registered_Delivery != 1) return std::nullopt;
        send(sequence, gateways::cmpp::deliver_resp{d->Msg_Id, 0});
        auto r = gateways::cmpp::decode_report(d->Msg_Content);
        if (!r) return std::nullopt;
        return std::move(*r);
    }

  private:
    bool read_one(std::string& frame) {
        std::array<char, 65536> chunk{};
        boost::system::error_code ec;
        const auto count = socket_.read_some(asio::buffer(chunk), ec);
        if (count > 0) reads.push_back(count);
        splitter_.feed({chunk.data(), count});
        const auto found = splitter_.next();
        broken = !found;
        closed = ec && ec != asio::error::would_block;
        if (found) frame = *found;
        return !frame.empty();
    }

    simulated& all_;
    asio::ip::tcp::socket socket_;
    gateways::cmpp::frame_splitter splitter_;
};

} // namespace zhida::tests
