#include "services/internal_auth.hpp"

#include "common/base/json.hpp"
#include "common/io/http_decode.hpp"

#include <charconv>

namespace zhida {

namespace {

constexpr std::string_view scheme = "Zhida-HMAC ";

std::int64_t seconds_of(wall_time t) {
    return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count();
}

} // namespace

std::string internal_auth::mac(std::string_view method, std::string_view path,
                               const std::map<std::string, std::string>& query, std::string_view body,
                               std::int64_t at) const {
    // As JSON no two requests have the same text.
    const json text = {method, path, query, crypto::sha256_hex(body), at};
    const auto digest = crypto::hmac_sm3(key_, to_text(text));
    return crypto::hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string internal_auth::header(std::string_view method, std::string_view target, std::string_view body,
                                  wall_time now) const {
    const auto decoded = io::decode_target(target);
    if (!decoded) return "";
    const auto at = seconds_of(now);
    return std::string(scheme) + std::to_string(at) + " " +
           mac(method, decoded->path, decoded->query, body, at);
}

bool internal_auth::right(std::string_view header, std::string_view method, std::string_view path,
                          const std::map<std::string, std::string>& query, std::string_view body,
                          wall_time now) const {
    if (!header.starts_with(scheme)) return false;
    header.remove_prefix(scheme.size());
    const auto space = header.find(' ');
    if (space == std::string_view::npos) return false;
    const auto digits = header.substr(0, space);
    std::int64_t at = 0;
    const auto [rest, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), at);
    if (ec != std::errc() || rest != digits.data() + digits.size()) return false;
    const auto seconds_now = seconds_of(now);
    if (at < seconds_now - tolerance.count() || at > seconds_now + tolerance.count()) return false;
    return crypto::equal_constant_time(header.substr(space + 1), mac(method, path, query, body, at));
}

} // namespace zhida
