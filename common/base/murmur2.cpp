#include "common/base/murmur2.hpp"
#include "common/base/little_endian.hpp"

namespace zhida {

std::uint32_t murmur2(std::string_view key) noexcept {
    constexpr std::uint32_t m = 0x5bd1e995U;
    constexpr int r = 24;
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i]));
    };
    const std::size_t length = key.size();
    std::uint32_t h = 0x9747b28cU ^ static_cast<std::uint32_t>(length);
    for (std::size_t i = 0; i + 4 <= length; i += 4) {
        std::uint32_t k = get32(key, i);
        k *= m;
        k ^= k >> r;
        k *= m;
        h *= m;
        h ^= k;
    }
    const std::size_t tail = length & ~std::size_t{3};
    switch (length & 3) {
    case 3:
        h ^= byte(tail + 2) << 16;
        [[fallthrough]];
    case 2:
        h ^= byte(tail + 1) << 8;
        [[fallthrough]];
    case 1:
        h ^= byte(tail);
        h *= m;
        break;
    default:
        break;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

} // namespace zhida
