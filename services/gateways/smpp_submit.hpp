// submit_sms that differ in their recipient and their part alone, written one behind the other. Pure.
#pragma once

#include "services/gateways/smpp_codec.hpp"
#include "services/gateways/sms_text.hpp"

namespace zhida::gateways::smpp {

class submit_form {
  public:
    // `like`: what all have in common. Failure invalid: as of encode().
    static result<submit_form> of(submit_sm like);
    // The bytes that encode() gives for such a submit_sm. `phone` has at most 20 characters, `part` at most
    // 254 bytes; `udh_ref` stands in the header of a part of several; `extension` behind `like`'s
    // source_addr.
    void append(std::string& to, std::uint32_t sequence_number, const sms_part& part, std::uint8_t udh_ref,
                std::string_view phone, std::string_view extension = {}) const;

  private:
    submit_form() = default;
    std::string before_extension_, before_phone_; // before_phone_ begins with source_addr's NUL
    std::string before_content_, tail_;           // before_content_ begins with the phone's NUL
};

} // namespace zhida::gateways::smpp
