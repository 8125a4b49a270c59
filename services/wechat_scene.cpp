#include "services/wechat_scene.hpp"

#include <algorithm>
#include <charconv>

namespace zhida {

namespace {

constexpr std::string_view begins = "zd.";
// By their place, which is in codes that are out: append only, ten at most.
constexpr std::string_view roles[] = {"法人", "财务", "人事", "负责人", "经办人", "联系人", "本人", "家属"};
constexpr std::size_t of_enterprises = 6;

std::string base36(std::uint64_t n) {
    char text[16];
    const auto end = std::to_chars(std::begin(text), std::end(text), n, 36).ptr;
    return {text, end};
}

std::string url_safe(std::string text) {
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

// The next part and the rest behind the full stop.
std::string_view take(std::string_view& rest) {
    const auto end = std::min(rest.find('.'), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

} // namespace

std::span<const std::string_view> roles_of(subject_type type) noexcept {
    const std::span<const std::string_view> all(roles);
    return type == subject_type::enterprise ? all.first(of_enterprises) : all.subspan(of_enterprises);
}

bool wechat_scenes::ours(std::string_view text) noexcept {
    return text.starts_with(begins);
}

std::string wechat_scenes::mac(std::string_view text) const {
    const auto digest = crypto::hmac_sm3(key_, text);
    return url_safe(crypto::base64({reinterpret_cast<const char*>(digest.data()), 12})); // 16 characters
}

std::string wechat_scenes::sign(const wechat_scene& s) const {
    const auto* role = std::find(std::begin(roles), std::end(roles), s.role);
    const auto seconds = static_cast<std::uint64_t>(unix_seconds(s.expires));
    auto text = std::string(begins) + s.subject_id + '.' + std::to_string(role - std::begin(roles)) + '.' +
                base36(seconds) + '.' + url_safe(crypto::base64(crypto::random_bytes(3)));
    return text + '.' + mac(text);
}

result<wechat_scene> wechat_scenes::read(std::string_view text, wall_time now) const {
    const failure refused{errc::refused, "the QR code is not one of ours", "EventKey", ""};
    const auto last = text.rfind('.');
    if (!ours(text) || text.size() > 64 || last == text.npos) return refused;
    if (!crypto::equal_constant_time(mac(text.substr(0, last)), text.substr(last + 1))) return refused;
    auto rest = text.substr(begins.size());
    wechat_scene s;
    s.subject_id = take(rest);
    const auto role = take(rest), expires = take(rest);
    std::size_t which = 0;
    std::int64_t seconds = 0;
    std::from_chars(role.data(), role.data() + role.size(), which);
    std::from_chars(expires.data(), expires.data() + expires.size(), seconds, 36);
    if (which >= std::size(roles) || !valid_subject_id(s.subject_id)) return refused;
    s.role = roles[which];
    s.expires = wall_time(milliseconds(seconds * 1000));
    if (now >= s.expires)
        return failure{errc::timeout, "the QR code has expired", "EventKey", "make a new one"};
    return s;
}

} // namespace zhida
