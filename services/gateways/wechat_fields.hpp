// The typed fields of template and subscription messages: what each may hold. Pure. Source:
// developers.weixin.qq.com, 订阅消息参数值内容限制说明 (the same types in 类目模板). A value that breaks its
// rule is refused with 47003, the whole message with it.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zhida::gateways {

using wechat_data = std::vector<std::pair<std::string, std::string>>; // key ("thing1") and value

// What is wrong with the value, empty where nothing is. The key without its digits is the type; other keys
// (older templates: keyword1) may hold anything up to 200 characters.
std::string wechat_field_fault(std::string_view key, std::string_view value);

// The value made to fit where cutting keeps its sense: thing and const to 20 characters, with "…" for what
// was cut; phrase to its first five Han characters; line breaks become spaces. Failure invalid (where: the
// key): it cannot be made to fit.
result<std::string> fit_wechat_field(std::string_view key, std::string_view value);

} // namespace zhida::gateways
