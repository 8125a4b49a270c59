#include "services/gateways/cmpp_auth.hpp"

#include "common/base/crypto.hpp"

#include <array>
#include <cstdio>

namespace zhida::gateways::cmpp {

namespace {

struct beijing {
    std::chrono::year_month_day day;
    std::chrono::hh_mm_ss<milliseconds> time;
};

beijing beijing_of(wall_time t) noexcept {
    const auto local = t + std::chrono::hours(8);
    const auto day = std::chrono::floor<std::chrono::days>(local);
    return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<milliseconds>(local - day)};
}

template <class... N>
std::string printed(const char* format, N... n) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), format, n...);
    return std::string(text.data(), static_cast<std::size_t>(length));
}

std::string_view bytes_of(const digest& d) {
    return {reinterpret_cast<const char*>(d.data()), d.size()};
}

} // namespace

std::uint32_t timestamp_of(wall_time t) noexcept {
    const auto at = beijing_of(t);
    return ((static_cast<unsigned>(at.day.month()) * 100 + static_cast<unsigned>(at.day.day())) * 100 +
            static_cast<std::uint32_t>(at.time.hours().count())) *
               10000 +
           static_cast<std::uint32_t>(at.time.minutes().count() * 100 + at.time.seconds().count());
}

digest authenticator_source(std::string_view Source_Addr, std::string_view secret, std::uint32_t Timestamp) {
    std::string text(Source_Addr);
    text.append(9, '\0');
    text += secret;
    text += printed("%010u", Timestamp);
    return crypto::md5(text);
}

digest authenticator_ismg(std::uint32_t Status, version layout, const digest& AuthenticatorSource,
                          std::string_view secret) {
    std::string text;
    if (layout == version::v30)
        for (int shift = 24; shift > 0; shift -= 8) text += static_cast<char>(Status >> shift);
    text += static_cast<char>(Status);
    text += bytes_of(AuthenticatorSource);
    text += secret;
    return crypto::md5(text);
}

bool ismg_proved(const connect_resp& answer, const digest& AuthenticatorSource, std::string_view secret) {
    for (const auto layout : {version::v20, version::v30})
        if (crypto::equal_constant_time(
                bytes_of(answer.AuthenticatorISMG),
                bytes_of(authenticator_ismg(answer.Status, layout, AuthenticatorSource, secret))))
            return true;
    return false;
}

std::string report_time(wall_time t) {
    const auto at = beijing_of(t);
    return printed("%02d%02u%02u%02d%02d", static_cast<int>(at.day.year()) % 100,
                   static_cast<unsigned>(at.day.month()), static_cast<unsigned>(at.day.day()),
                   static_cast<int>(at.time.hours().count()), static_cast<int>(at.time.minutes().count()));
}

bool parse_report_time(std::string_view text, wall_time& out) noexcept {
    if (text.size() != 10) return false;
    int field[5] = {};
    for (std::size_t i = 0; i < 10; ++i) {
        if (text[i] < '0' || text[i] > '9') return false;
        field[i / 2] = field[i / 2] * 10 + (text[i] - '0');
    }
    const std::chrono::year_month_day day{std::chrono::year(2000 + field[0]),
                                          std::chrono::month(static_cast<unsigned>(field[1])),
                                          std::chrono::day(static_cast<unsigned>(field[2]))};
    // "0001010000" is what gateways write when they do not know.
    if (!day.ok() || field[0] == 0 || field[3] > 23 || field[4] > 59) return false;
    out = wall_time(std::chrono::sys_days(day)) + std::chrono::hours(field[3]) +
          std::chrono::minutes(field[4]) - std::chrono::hours(8);
    return true;
}

} // namespace zhida::gateways::cmpp
