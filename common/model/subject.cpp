#include "common/model/profile.hpp"

namespace zhida {

const char* to_string(subject_type type) noexcept {
    switch (type) {
    case subject_type::enterprise:
        return "enterprise";
    case subject_type::resident:
        return "resident";
    }
    return "unknown";
}

bool parse(std::string_view text, subject_type& out) noexcept {
    for (const auto type : {subject_type::enterprise, subject_type::resident})
        if (text == to_string(type)) {
            out = type;
            return true;
        }
    return false;
}

// Left-aligned, missing characters are zero: numbers order as the texts do, and the codes below a prefix are
// one range. ASCII keeps the sign bit clear.
std::int64_t pack_code(std::string_view code) noexcept {
    std::uint64_t packed = 0;
    for (std::size_t i = 0; i < 8; ++i)
        packed = packed << 8 | (i < code.size() ? static_cast<unsigned char>(code[i]) : 0U);
    return static_cast<std::int64_t>(packed);
}

std::string unpack_code(std::int64_t packed) {
    std::string code;
    for (auto rest = static_cast<std::uint64_t>(packed); rest != 0; rest <<= 8)
        code += static_cast<char>(rest >> 56);
    return code;
}

} // namespace zhida
