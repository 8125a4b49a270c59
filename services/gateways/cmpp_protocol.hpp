// CMPP 2.0 and 3.0 as a session speaks it. Pure.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/cmpp_submit.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/protocol.hpp"

namespace zhida::gateways::cmpp {

class protocol final : public wire::protocol {
  public:
    explicit protocol(const sms_gateway_config& settings, own_codes codes = {});

    std::string title() const override;
    const char* code_prefix() const noexcept override { return "cmpp"; }
    const wire::pdu_names& names() const noexcept override;
    wire::sequence_range sequences() const noexcept override { return {}; }
    length_splitter splitter() const override { return frame_splitter(); }
    result<wire::login_request> login(std::uint32_t sequence, wall_time now) const override;
    result<wire::login_answer> read_login(std::string_view frame, const std::string& proof) const override;
    void read(std::string_view frame, wall_time now, wire::event& out) const override;
    std::optional<failure> flaw() const override;
    void submit(std::string& to, std::uint32_t sequence, std::span<const sms_part> parts,
                std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const override;
    void keepalive(std::string& to, std::uint32_t sequence) const override;
    void end(std::string& to, std::uint32_t sequence) const override;
    void confirm(std::string& to, const wire::origin& from) const override;

  private:
    void read_deliver(std::uint32_t sequence, const deliver& d, wall_time now, wire::event& out) const;
    void put(std::string& to, std::uint32_t sequence, decltype(pdu::body) body) const;

    std::string gateway_, source_addr_, secret_;
    version layout_;
    result<submit_form> form_;
    own_codes codes_;
};

} // namespace zhida::gateways::cmpp
