// Preferences as they are stored, and as a subject's program sends them.
#include "common/model/preferences.hpp"

#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto stored = zhida::decode_preferences(text)) {
        require(zhida::encode(*stored) == text);
        require((text[1] == 'u') == stored->untargeted);
    }
    const auto document = zhida::parse_json(text, {64 << 10, 8});
    if (!document) return 0;
    std::vector<zhida::failure> errors;
    const auto read = zhida::read_preferences(*document, "", errors);
    require(read.has_value() == errors.empty());
    if (read) require(zhida::decode_preferences(zhida::encode(*read)).value() == *read);
    return 0;
}
