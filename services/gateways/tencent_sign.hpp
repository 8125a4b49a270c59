// Tencent Cloud's signature TC3-HMAC-SHA256, of POST requests to "/". Pure. Source:
// cloud.tencent.com/document/api/382/52071 (签名方法 v3).
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace zhida::gateways::tencent {

struct signable {
    std::string service;                        // "sms"
    std::map<std::string, std::string> headers; // names in lower case; at least content-type and host
    std::string payload;
    std::int64_t timestamp = 0; // seconds since 1970, as in X-TC-Timestamp
};

std::string canonical_request(const signable& r);
std::string string_to_sign(const signable& r);
std::string signature(const signable& r, const std::string& secret); // hex
std::string authorization(const signable& r, const std::string& secret_id, const std::string& secret);

} // namespace zhida::gateways::tencent
