#include "services/portal/session.hpp"

#include "common/base/crypto.hpp"
#include "common/base/utf8.hpp"
#include "common/io/http_decode.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <vector>

namespace zhida::portal {

namespace {

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> out;
    while (true) {
        const auto at = text.find(by);
        out.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        text.remove_prefix(at + 1);
    }
}

std::int64_t seconds(wall_time t) {
    return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

} // namespace

const char* to_string(role r) noexcept {
    switch (r) {
    case role::nobody:
        return "nobody";
    case role::operator_:
        return "operator";
    case role::department:
        return "department";
    case role::subject:
        return "subject";
    }
    return "nobody";
}

sessions::sessions(std::string key, bool demo_sign_in) : key_(std::move(key)), demo_(demo_sign_in) {
    if (key_.size() < 16) throw std::logic_error("the session key is too short");
}

std::string sessions::mac(std::string_view text) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned length = 0;
    if (!HMAC(EVP_sm3(), key_.data(), static_cast<int>(key_.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &length))
        throw std::runtime_error("HMAC-SM3 failed");
    return crypto::hex({reinterpret_cast<const char*>(out.data()), length});
}

std::string sessions::sign(role as, std::string_view name, wall_time now) const {
    const std::string text = std::string("1.") + to_string(as) + "." + crypto::hex(name) + "." +
                             std::to_string(seconds(now)) + "." + crypto::hex(crypto::random_bytes(16));
    return text + "." + mac("cookie:" + text);
}

identity sessions::of_cookie(std::string_view value, wall_time now) const {
    if (!demo_ || value.size() > 1024) return {};
    const auto end = value.rfind('.');
    if (end == std::string_view::npos) return {};
    const auto text = value.substr(0, end);
    if (!crypto::equal_constant_time(value.substr(end + 1), mac("cookie:" + std::string(text)))) return {};
    const auto parts = split(text, '.');
    if (parts.size() != 5 || parts[0] != "1") return {};
    std::int64_t issued = 0;
    const auto [stop, code] = std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), issued);
    if (code != std::errc() || stop != parts[3].data() + parts[3].size()) return {};
    const auto age = seconds(now) - issued;
    if (age < -60 || age > std::chrono::seconds(lifetime).count()) return {};
    const auto name = crypto::from_hex(parts[2]);
    if (!name) return {};
    identity out;
    for (const role r : {role::operator_, role::department, role::subject})
        if (parts[1] == to_string(r)) out.as = r;
    if (!out.signed_in()) return {};
    out.name = *name;
    out.session = std::string(parts[4]);
    return out;
}

identity sessions::of_authorization(std::string_view header) const {
    constexpr std::string_view scheme = "Bearer ";
    if (!demo_ || !header.starts_with(scheme)) return {};
    const auto token = header.substr(scheme.size());
    constexpr std::string_view subject = "demo-subject:", department = "demo-department:";
    if (token == "demo-operator") return {role::operator_, "", ""};
    if (token == "demo-department") return {role::department, "", ""};
    if (token.starts_with(department) && token.size() > department.size()) {
        // A name may be percent-encoded: headers are not a place for Chinese.
        const auto name = io::percent_decode(token.substr(department.size()), false);
        if (!name || !valid_utf8(*name)) return {};
        return {role::department, *name, ""};
    }
    if (token.starts_with(subject) && token.size() > subject.size())
        return {role::subject, std::string(token.substr(subject.size())), ""};
    return {};
}

std::string sessions::form_token(const identity& who) const {
    return mac("form:" + who.session);
}

bool sessions::right_form_token(const identity& who, std::string_view token) const {
    return who.by_cookie() && crypto::equal_constant_time(token, form_token(who));
}

std::string set_cookie(std::string_view name, std::string_view value, std::chrono::seconds lifetime,
                       bool http_only, bool secure) {
    return std::string(name) + "=" + std::string(value) +
           "; Path=/; SameSite=Lax; Max-Age=" + std::to_string(lifetime.count()) +
           (http_only ? "; HttpOnly" : "") + (secure ? "; Secure" : "");
}

bool same_origin(std::string_view sec_fetch_site, std::string_view origin, std::string_view host,
                 std::string_view public_url, bool has_token) {
    if (!sec_fetch_site.empty())
        return sec_fetch_site == "same-origin" || (sec_fetch_site == "none" && has_token);
    if (origin.empty()) return has_token;
    while (public_url.ends_with('/')) public_url.remove_suffix(1);
    if (!public_url.empty() && origin == public_url) return true;
    return !host.empty() &&
           (origin == "http://" + std::string(host) || origin == "https://" + std::string(host));
}

} // namespace zhida::portal
