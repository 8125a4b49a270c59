// Cells as people write them, brought to the form that profiles are checked in. What is none of the known
// spellings stays as it is and is refused by the check.
#pragma once

#include <string>
#include <string_view>

namespace zhida::profiles {

// Without the blanks around it: ASCII white space, the no-break space, the ideographic space.
std::string_view trimmed(std::string_view text) noexcept;

// 2026/9/14, 2026-9-14, 2026.9.14, 2026年9月14日, with or without 0:00:00 after it -> 2026-09-14.
std::string date_cell(std::string_view cell);

// +86 164-1234 5678 -> 16412345678.
std::string phone_cell(std::string_view cell);

// A 统一社会信用代码 in capitals.
std::string code_cell(std::string_view cell);

} // namespace zhida::profiles
