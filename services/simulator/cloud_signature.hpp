// What the signatures of both clouds have in common, as their servers check them. Pure, and on purpose apart
// from the clients' code: each holds the other to the vendors' words.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::simulator {

struct access_key {
    std::string id, secret;
};

// A request as it came over the wire.
struct signed_request {
    std::string_view method, target;                   // "POST", "/?a=1": not decoded
    const std::map<std::string, std::string>& headers; // names in lower case
    std::string_view body;

    std::string_view header(const std::string& name) const; // empty where absent
};

// Who signed it, or what the vendor answers to who did not.
struct signature_verdict {
    std::string key_id;        // of the account, where the signature is good
    int status = 200;          // of HTTP
    std::string code, message; // code empty: good
    bool good() const noexcept { return code.empty(); }
};

// "ALGORITHM Credential=...,SignedHeaders=a;b,Signature=..."; a space may follow each comma.
struct authorization {
    std::string credential, signed_list, signature;
    std::vector<std::string> signed_headers; // of signed_list
};
// Nothing for another algorithm, a part that is missing, unknown or there twice, or names of headers that are
// not in lower case, in order and each there once.
std::optional<authorization> parse_authorization(std::string_view header, std::string_view algorithm);

std::string hmac_sha256(std::string_view key, std::string_view data); // 32 bytes

} // namespace zhida::simulator
