#include "services/simulator/tc3_check.hpp"

#include "common/base/crypto.hpp"

#include <algorithm>
#include <charconv>

namespace zhida::simulator {

namespace {

signature_verdict refused(std::string code, std::string message) {
    return {"", 200, std::move(code), std::move(message)};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// "AKID.../2019-02-25/sms/tc3_request"
struct credential_scope {
    std::string id, date, service;
};
std::optional<credential_scope> parse_scope(std::string_view credential) {
    std::vector<std::string> parts(1);
    for (const char c : credential)
        if (c == '/')
            parts.emplace_back();
        else
            parts.back() += c;
    if (parts.size() != 4 || parts[0].empty() || parts[2].empty() || parts[3] != "tc3_request")
        return std::nullopt;
    return credential_scope{parts[0], parts[1], parts[2]};
}

std::string canonical_request(const signed_request& r, const authorization& given, std::string_view host) {
    const auto question = r.target.find('?');
    std::string out(r.method);
    out.append("\n").append(r.target.substr(0, question)).append("\n");
    if (question != std::string_view::npos) out.append(r.target.substr(question + 1));
    out.append("\n");
    for (const auto& name : given.signed_headers)
        out.append(name).append(":").append(lower(name == "host" ? host : r.header(name))).append("\n");
    return out.append("\n").append(given.signed_list).append("\n").append(crypto::sha256_hex(r.body));
}

} // namespace

signature_verdict check_tc3(const signed_request& r, const std::vector<access_key>& keys, wall_time now) {
    const auto given = parse_authorization(r.header("authorization"), "TC3-HMAC-SHA256");
    const auto scope = given ? parse_scope(given->credential) : std::nullopt;
    if (!scope)
        return refused("AuthFailure.InvalidAuthorization",
                       "The `Authorization` in the request header does not conform to TC3-HMAC-SHA256.");
    for (const char* must : {"content-type", "host"})
        if (!std::binary_search(given->signed_headers.begin(), given->signed_headers.end(), must))
            return refused("AuthFailure.InvalidAuthorization",
                           std::string("The header `") + must + "` is not signed.");
    const auto timestamp = r.header("x-tc-timestamp");
    std::int64_t seconds = 0;
    const auto read = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
    constexpr std::int64_t until_9999 = 253'402'300'799;
    if (timestamp.empty() || read.ec != std::errc() || read.ptr != timestamp.data() + timestamp.size() ||
        seconds < 0 || seconds > until_9999)
        return refused("InvalidParameter", "The header `X-TC-Timestamp` is not a UNIX timestamp.");
    const wall_time signed_at{std::chrono::seconds(seconds)};
    if (signed_at < now - tc3_wrong_clock || signed_at > now + tc3_wrong_clock)
        return refused("InternalError.RequestTimeException",
                       "Request time and server time differ by more than ten minutes.");
    if (signed_at < now - tc3_clock_skew || signed_at > now + tc3_clock_skew)
        return refused("AuthFailure.SignatureExpire",
                       "Signature expired. Timestamp and server time differ by more than five minutes.");
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&scope](const access_key& k) { return k.id == scope->id; });
    if (key == keys.end())
        return refused("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure that your "
                                                       "SecretId is correct.");
    const auto wrong = refused("AuthFailure.SignatureFailure", "The provided credentials could not be "
                                                               "validated. Please check your signature is "
                                                               "correct.");
    if (scope->date != format_date(static_cast<std::int32_t>(seconds / 86'400))) return wrong;

    const auto key_of_date = hmac_sha256("TC3" + key->secret, scope->date);
    const auto signing_key = hmac_sha256(hmac_sha256(key_of_date, scope->service), "tc3_request");
    const auto host = r.header("host");
    for (const auto tried : {host, host.substr(0, host.rfind(':'))}) {
        std::string to_sign = "TC3-HMAC-SHA256\n";
        to_sign.append(timestamp).append("\n").append(scope->date).append("/").append(scope->service);
        to_sign.append("/tc3_request\n").append(crypto::sha256_hex(canonical_request(r, *given, tried)));
        if (crypto::equal_constant_time(crypto::hex(hmac_sha256(signing_key, to_sign)), given->signature))
            return {key->id, 200, "", ""};
    }
    return wrong;
}

} // namespace zhida::simulator
