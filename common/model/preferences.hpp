// What a subject wants to receive, beyond what the law and the caps say. Pure.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida {

struct preferences {
    bool all_messages = false; // refuses every message; the web inbox goes on
    // 不再向我定向推送 (个人信息保护法, art. 24): no profile of theirs decides what they are sent, so they
    // are in no audience, on the web neither. The public list of policies stays.
    bool untargeted = false;
    std::uint32_t channels = 0;      // bit c: channel c is refused; never the web inbox, which is only read
    std::vector<std::string> themes; // refused: beginnings of a policy's theme, whole parts, as "就业"
    std::vector<channel> order;      // preferred first; may be empty, may leave some out
    std::int64_t at_ms = 0;          // when it was said, milliseconds since 1970 UTC; 0: never

    // Says no more than that all messages are welcome.
    bool nothing_said() const noexcept {
        return !all_messages && !untargeted && channels == 0 && themes.empty() && order.empty();
    }
    bool operator==(const preferences&) const = default;
};

// Bounds of what is taken.
inline constexpr std::size_t max_refused_themes = 32, max_theme_characters = 100;

// A theme refused as "就业" is refused as "就业/稳岗" too, and "就业创业" is not.
bool within_theme(std::string_view theme, std::string_view refused) noexcept;

// Why a policy of this theme may not be sent to them on this channel; nothing: it may.
std::optional<ledger::reason> refuses(const preferences& p, channel via, std::string_view theme);

// As they are stored, one line and one more for each theme. The first two characters are the version and
// whether the subject is untargeted ('u' or '-'), which Redis reads by itself (store/ledger_lua.hpp):
//   1u- 6 21 1780000000000
//   就业
// that is all_messages ('a' or '-'), channels, order (or '-'), at_ms. Themes are sorted, each is there once.
std::string encode(const preferences& p);
// invalid: not what encode() makes.
result<preferences> decode_preferences(std::string_view text);

// As the API and events have them: all_messages, untargeted, refused_channels, refused_themes,
// preferred_channels. at_ms is told apart.
json to_document(const preferences& p);
// Every member may be left out; all errors with their pointers.
std::optional<preferences> read_preferences(const json& document, const std::string& pointer,
                                            std::vector<failure>& errors);

} // namespace zhida
