// Files that are no UTF-8 text: told apart early, so that the reader can say what to do about them.
#pragma once

#include "common/base/error.hpp"

#include <string_view>

namespace zhida::profiles {

// Every byte is ASCII or belongs to a pair or four of GB 18030, some do, and little of it is UTF-8.
bool looks_like_gbk(std::string_view bytes) noexcept;

// By the beginning of a file (`whole`: all of it): a workbook, UTF-16, GBK, zero bytes. Single bytes that are
// not UTF-8 are left to the rows they stand in.
result<void> check_encoding(std::string_view head, bool whole);

} // namespace zhida::profiles
