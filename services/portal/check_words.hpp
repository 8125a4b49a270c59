// What the checker says of a document, in Chinese for the pages. The checker itself speaks English, as the
// commands and the logs do.
#pragma once

#include <string>
#include <string_view>

namespace zhida::portal {

// The text itself where no phrase is known for it.
std::string check_words_zh(std::string_view english);

} // namespace zhida::portal
