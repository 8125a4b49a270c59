#include "services/gateways/tencent_sign.hpp"

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"

#include <string_view>

namespace zhida::gateways::tencent {

namespace {

constexpr const char* algorithm = "TC3-HMAC-SHA256";

std::string_view view(const std::array<std::uint8_t, 32>& a) {
    return {reinterpret_cast<const char*>(a.data()), a.size()};
}

std::string signed_headers(const signable& r) {
    std::string names;
    for (const auto& [name, value] : r.headers) names += (names.empty() ? "" : ";") + name;
    return names;
}

std::string in_lower_case(std::string text) {
    for (auto& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string utc_date(std::int64_t timestamp) {
    return format_date(static_cast<std::int32_t>(timestamp / 86400));
}

std::string scope(const signable& r) {
    return utc_date(r.timestamp) + "/" + r.service + "/tc3_request";
}

} // namespace

std::string canonical_request(const signable& r) {
    std::string out = "POST\n/\n\n";
    for (const auto& [name, value] : r.headers) out += name + ":" + in_lower_case(value) + "\n";
    return out + "\n" + signed_headers(r) + "\n" + crypto::sha256_hex(r.payload);
}

std::string string_to_sign(const signable& r) {
    return std::string(algorithm) + "\n" + std::to_string(r.timestamp) + "\n" + scope(r) + "\n" +
           crypto::sha256_hex(canonical_request(r));
}

std::string signature(const signable& r, const std::string& secret) {
    const auto of_date = crypto::hmac_sha256("TC3" + secret, utc_date(r.timestamp));
    const auto of_service = crypto::hmac_sha256(view(of_date), r.service);
    const auto key = crypto::hmac_sha256(view(of_service), "tc3_request");
    return crypto::hex(view(crypto::hmac_sha256(view(key), string_to_sign(r))));
}

std::string authorization(const signable& r, const std::string& secret_id, const std::string& secret) {
    return std::string(algorithm) + " Credential=" + secret_id + "/" + scope(r) +
           ", SignedHeaders=" + signed_headers(r) + ", Signature=" + signature(r, secret);
}

} // namespace zhida::gateways::tencent
