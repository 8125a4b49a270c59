// A deadline in the words of the pages.
#pragma once

#include "common/model/deadline.hpp"
#include "services/portal/texts.hpp"

#include <string>

namespace zhida::portal {

// "还剩 12 天（2026-12-05 截止）", "今天截止", "已截止（2026-01-31）", "未注明截止时间，以原文为准"
std::string deadline_text(const deadline& d, language in);

} // namespace zhida::portal
