// An SMS from what it says: template, signature, opt-out words, and whether it may go out at all. Pure.
#pragma once

#include "common/model/sms_content.hpp"
#include "services/dispatcher/package_text.hpp"
#include "services/gateways/sms_gateway.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::dispatcher {

// What all messages of an installation have in common. References outlive it.
struct sms_house {
    const sms_content& content;
    const std::string& signature; // where a department has none of its own: sms.signature
};

// Everything that keeps a message from going out today, the signature's problems first. text: as it is read.
// signature: null where there is none; its name is `named` then.
std::vector<sms_problem> check_sms(const sms_content&, const sms_signature* signature, std::string_view named,
                                   std::string_view text, std::int32_t today);

struct sms_message {
    gateways::sms_body body; // its parts are a failure where it cannot go out: refused, of its signature, or
                             // invalid
    std::vector<sms_problem> problems;
    const sms_signature* signed_with = nullptr; // null: there is none
};

// issuer: of the policy. emergency: of the campaign. today: days since 1970-01-01 in Asia/Shanghai.
sms_message sms_of(const sms_house&, std::string_view issuer, const sms_words&, bool emergency,
                   std::int32_t today);

} // namespace zhida::dispatcher
