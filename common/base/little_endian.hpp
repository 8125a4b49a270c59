// Numbers as bytes, the lowest first: as strings of Redis and the event log hold them.
#pragma once

#include <boost/endian/conversion.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida {

// The bytes must be there.
inline std::uint32_t get32(std::string_view bytes, std::size_t at = 0) noexcept {
    return boost::endian::load_little_u32(reinterpret_cast<const unsigned char*>(bytes.data() + at));
}
inline std::uint32_t get32(const char* from) noexcept { // not a string that ends with a zero
    return boost::endian::load_little_u32(reinterpret_cast<const unsigned char*>(from));
}
inline std::uint16_t get16(std::string_view bytes, std::size_t at = 0) noexcept {
    return boost::endian::load_little_u16(reinterpret_cast<const unsigned char*>(bytes.data() + at));
}
inline void put32(char* to, std::uint32_t v) noexcept {
    boost::endian::store_little_u32(reinterpret_cast<unsigned char*>(to), v);
}
inline void append32(std::string& to, std::uint32_t v) {
    char bytes[4];
    put32(bytes, v);
    to.append(bytes, 4);
}

} // namespace zhida
