#include "services/simulator/acs3_check.hpp"

#include "common/base/crypto.hpp"
#include "common/io/http_decode.hpp"

#include <algorithm>
#include <utility>

namespace zhida::simulator {

namespace {

std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '_' || c == '.' || c == '~') {
            out += c;
            continue;
        }
        out += '%';
        for (const int digit : {byte >> 4, byte & 15})
            out += static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
    }
    return out;
}

signature_verdict refused(int status, std::string code, std::string message) {
    return {"", status, std::move(code), std::move(message)};
}

} // namespace

std::optional<std::string> acs3_canonical_query(std::string_view raw) {
    std::vector<std::pair<std::string, std::string>> fields;
    while (!raw.empty()) {
        const auto end = raw.find('&');
        const auto field = raw.substr(0, end);
        raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 1);
        if (field.empty()) continue;
        const auto equals = field.find('=');
        const auto name = io::percent_decode(field.substr(0, equals), true);
        const auto value =
            io::percent_decode(equals == std::string_view::npos ? "" : field.substr(equals + 1), true);
        if (!name || !value) return std::nullopt;
        fields.emplace_back(encoded(*name), encoded(*value));
    }
    std::sort(fields.begin(), fields.end());
    std::string out;
    for (const auto& [name, value] : fields) {
        if (!out.empty()) out += '&';
        out.append(name).append("=").append(value);
    }
    return out;
}

signature_verdict check_acs3(const signed_request& r, const std::vector<access_key>& keys, wall_time now) {
    const auto given = parse_authorization(r.header("authorization"), "ACS3-HMAC-SHA256");
    if (!given)
        return refused(400, "IncompleteSignature",
                       "The request signature does not conform to Aliyun standards.");
    const auto date = r.header("x-acs-date");
    wall_time signed_at{};
    if (date.size() != 20 || date[10] != 'T' || date.back() != 'Z' || !parse_rfc3339(date, signed_at))
        return refused(400, "InvalidTimeStamp.Format",
                       "Specified time stamp or date value is not well formatted.");
    if (signed_at < now - acs3_clock_skew || signed_at > now + acs3_clock_skew)
        return refused(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
    if (r.header("x-acs-signature-nonce").empty())
        return refused(400, "MissingSignatureNonce", "SignatureNonce is mandatory for this action.");
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&given](const access_key& k) { return k.id == given->credential; });
    if (key == keys.end())
        return refused(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");

    // Whatever says what is asked must be signed.
    for (const auto& [name, unused] : r.headers)
        if ((name == "host" || name == "content-type" || name.starts_with("x-acs-")) &&
            !std::binary_search(given->signed_headers.begin(), given->signed_headers.end(), name))
            return refused(400, "IncompleteSignature", "The header " + name + " is not signed.");
    const auto question = r.target.find('?');
    const auto query = acs3_canonical_query(
        question == std::string_view::npos ? std::string_view() : r.target.substr(question + 1));
    if (!query) return refused(400, "InvalidParameter", "The query cannot be decoded.");
    const auto hashed = crypto::sha256_hex(r.body);
    std::string canonical(r.method);
    canonical.append("\n").append(r.target.substr(0, question)).append("\n").append(*query).append("\n");
    for (const auto& name : given->signed_headers)
        canonical.append(name).append(":").append(r.header(name)).append("\n");
    canonical.append("\n").append(given->signed_list).append("\n").append(hashed);
    const auto to_sign = "ACS3-HMAC-SHA256\n" + crypto::sha256_hex(canonical);
    if (r.header("x-acs-content-sha256") != hashed ||
        !crypto::equal_constant_time(crypto::hex(hmac_sha256(key->secret, to_sign)), given->signature))
        return refused(400, "SignatureDoesNotMatch",
                       "Specified signature does not match our calculation. server StringToSign is [" +
                           to_sign + "], server CanonicalRequest is [" + canonical + "]");
    return {key->id, 200, "", ""};
}

bool nonce_memory::use(const std::string& key_id, const std::string& nonce, wall_time now) {
    // A date that is fast by the whole skew passes for twice as long.
    const auto over = [now](wall_time used) { return now - used > 2 * acs3_clock_skew; };
    if (now - pruned_ > acs3_clock_skew) {
        std::erase_if(used_, [&over](const auto& entry) { return over(entry.second); });
        pruned_ = now;
    }
    const auto [entry, fresh] = used_.try_emplace(key_id + "\n" + nonce, now);
    if (!fresh && !over(entry->second)) return false;
    entry->second = now;
    return true;
}

} // namespace zhida::simulator
