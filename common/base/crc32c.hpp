// CRC-32C (Castagnoli; RFC 3720 appendix B.4): notices what a disk or a crash did to bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace zhida {

// Of `bytes`; of more than one piece by giving what the pieces before gave.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

} // namespace zhida
