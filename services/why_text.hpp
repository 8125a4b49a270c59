// The answer of `zhida why` in words, for the hotline: the same words as the pages and the check-up. Pure.
#pragma once

#include "common/base/json.hpp"

#include <string>

namespace zhida {

// answer: as services/commands/why.cpp makes it.
std::string why_text(const json& answer);

} // namespace zhida
