// CMPP_SUBMITs that differ in their recipient and their part alone, written one behind the other. Pure.
#pragma once

#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/sms_text.hpp"

namespace zhida::gateways::cmpp {

class submit_form {
  public:
    // `like`: what all have in common. Failure invalid: as of encode().
    static result<submit_form> of(submit like, version layout);
    // The bytes that encode() gives for such a SUBMIT. `phone` has at most 21 characters, `part` at most 140
    // bytes; `udh_ref` stands in the header of a part of several; `extension` behind `like`'s Src_Id, as far
    // as its field goes.
    void append(std::string& to, std::uint32_t Sequence_Id, const sms_part& part, std::uint8_t udh_ref,
                std::string_view phone, std::string_view extension = {}) const;

  private:
    submit_form() = default;
    std::string frame_; // to an empty phone, without content
    std::size_t udhi_at_ = 0, extension_at_ = 0, phone_at_ = 0, content_at_ = 0;
};

} // namespace zhida::gateways::cmpp
