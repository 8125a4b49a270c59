// SMPP 3.4 as a session speaks it, bound as a transceiver. Pure.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/protocol.hpp"
#include "services/gateways/smpp_receipt.hpp"
#include "services/gateways/smpp_submit.hpp"

namespace zhida::gateways::smpp {

class protocol final : public wire::protocol {
  public:
    explicit protocol(const sms_gateway_config& settings, own_codes codes = {});

    std::string title() const override { return "SMPP 3.4"; }
    const char* code_prefix() const noexcept override { return "smpp"; }
    const wire::pdu_names& names() const noexcept override;
    wire::sequence_range sequences() const noexcept override { return {1, 0x7FFFFFFF}; } // clause 3.2
    length_splitter splitter() const override { return frame_splitter(); }
    result<wire::login_request> login(std::uint32_t sequence, wall_time now) const override;
    result<wire::login_answer> read_login(std::string_view frame, const std::string& proof) const override;
    void read(std::string_view frame, wall_time now, wire::event& out) const override;
    std::optional<failure> flaw() const override;
    bool whole_texts() const noexcept override { return payload_; }
    void submit(std::string& to, std::uint32_t sequence, std::span<const sms_part> parts,
                std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const override;
    void keepalive(std::string& to, std::uint32_t sequence) const override;
    void end(std::string& to, std::uint32_t sequence) const override;
    void confirm(std::string& to, const wire::origin& from) const override;

  private:
    void read_answer(std::uint32_t sequence, std::uint32_t command_status, std::string_view message_id,
                     wire::event& out) const;
    void read_deliver(std::uint32_t sequence, const deliver_sm& d, wall_time now, wire::event& out) const;

    std::string gateway_;
    bind bind_;
    bool payload_;
    receipt_ids ids_;
    bool extends_; // src_id is a number
    result<submit_form> form_;
    own_codes codes_;
};

} // namespace zhida::gateways::smpp
