// What is wrong, or worth a second look, in the settings of WeChat and WeCom: pure. Who starts a dispatcher
// is told.
#pragma once

#include "common/base/config.hpp"

#include <vector>

namespace zhida {

// Of accounts that are enabled: what keeps every message from being sent.
std::vector<failure> wechat_faults(const config& settings);
// What works, and not as whoever wrote it may think.
std::vector<failure> wechat_warnings(const config& settings);

} // namespace zhida
