// Aliyun's signature ACS3-HMAC-SHA256. Pure. Source: help.aliyun.com "V3版本请求体&签名机制".
#pragma once

#include <map>
#include <string>

namespace zhida::gateways::aliyun {

// What is signed of a request: all of its query, the headers given here, its body.
struct signable {
    std::string method = "POST", path = "/";
    std::map<std::string, std::string> query;   // not encoded
    std::map<std::string, std::string> headers; // names in lower case: host, content-type, all x-acs-*
    std::string body_sha256;                    // hex, as in x-acs-content-sha256
};

// "a=1&b=2" encoded by RFC 3986, in order of names. The same goes over the wire.
std::string canonical_query(const std::map<std::string, std::string>& query);
std::string canonical_request(const signable& r);
std::string signature(const signable& r, const std::string& secret); // hex
std::string authorization(const signable& r, const std::string& access_key, const std::string& secret);

} // namespace zhida::gateways::aliyun
