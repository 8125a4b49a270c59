#include "services/profiles/id_set.hpp"

namespace zhida::profiles {

namespace {

// 1 to 63, so that no id is another one with something in front.
std::uint64_t digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<std::uint64_t>(c - '0') + 1;
    if (c >= 'A' && c <= 'Z') return static_cast<std::uint64_t>(c - 'A') + 11;
    if (c >= 'a' && c <= 'z') return static_cast<std::uint64_t>(c - 'a') + 37;
    return 63; // the hyphen
}

} // namespace

bool id_set::insert(std::string_view id) {
    if (id.size() > packable) return long_.emplace(id).second;
    std::array<std::uint64_t, 2> packed{};
    for (const char c : id) {
        packed[0] = packed[0] << 6 | packed[1] >> 58;
        packed[1] = packed[1] << 6 | digit_of(c);
    }
    return short_.insert(packed).second;
}

} // namespace zhida::profiles
