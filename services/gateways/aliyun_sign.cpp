#include "services/gateways/aliyun_sign.hpp"

#include "common/base/crypto.hpp"
#include "common/io/http_decode.hpp"

namespace zhida::gateways::aliyun {

namespace {

constexpr const char* algorithm = "ACS3-HMAC-SHA256";

std::string signed_headers(const signable& r) {
    std::string names;
    for (const auto& [name, value] : r.headers) names += (names.empty() ? "" : ";") + name;
    return names;
}

} // namespace

std::string canonical_query(const std::map<std::string, std::string>& query) {
    std::string out;
    for (const auto& [name, value] : query)
        out += (out.empty() ? "" : "&") + io::percent_encode(name) + "=" + io::percent_encode(value);
    return out;
}

std::string canonical_request(const signable& r) {
    std::string out = r.method + "\n" + r.path + "\n" + canonical_query(r.query) + "\n";
    for (const auto& [name, value] : r.headers) out += name + ":" + value + "\n";
    return out + "\n" + signed_headers(r) + "\n" + r.body_sha256;
}

std::string signature(const signable& r, const std::string& secret) {
    const auto mac =
        crypto::hmac_sha256(secret, std::string(algorithm) + "\n" + crypto::sha256_hex(canonical_request(r)));
    return crypto::hex({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

std::string authorization(const signable& r, const std::string& access_key, const std::string& secret) {
    return std::string(algorithm) + " Credential=" + access_key + ",SignedHeaders=" + signed_headers(r) +
           ",Signature=" + signature(r, secret);
}

} // namespace zhida::gateways::aliyun
