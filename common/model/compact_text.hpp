// Chinese text in two bytes a character instead of UTF-8's three: names are a third of a stored profile.
//   ASCII                 one byte, itself
//   U+4E00 .. U+9FFF      two bytes, 0x80 + high seven bits of (c - 0x4E00), then the low eight
//   anything else         three bytes, 0xE0 + (c >> 16), then the low sixteen bits, high byte first
#pragma once

#include <string>
#include <string_view>

namespace zhida {

std::string compact_text(std::string_view utf8); // must be UTF-8
// False for bytes that compact_text never makes.
bool expand_text(std::string_view compact, std::string& utf8);

} // namespace zhida
