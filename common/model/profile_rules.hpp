// What a profile's own members must look like, whatever file or event they came in. Values of people are
// never repeated in the texts.
#pragma once

#include "common/base/error.hpp"
#include "common/model/profile.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace zhida {

// In characters, as profile.schema.json says.
inline constexpr std::size_t max_name = 200;
inline constexpr std::size_t max_origin = 200;
inline constexpr std::size_t max_role = 40;
inline constexpr std::size_t max_openid = 64;

// Each: nothing where the value is good, else what is wrong and what to do; `where` is left to the caller.
std::optional<failure> check_id(std::string_view id, subject_type type);
std::optional<failure> check_name(std::string_view name); // empty is good, here and below
std::optional<failure> check_origin(std::string_view origin);
std::optional<failure> check_role(std::string_view role);
// A mainland mobile number, 11 digits from 13 to 19.
std::optional<failure> check_phone(std::string_view phone);
// A WeChat address (common/model/wechat_address.hpp), its id of at most max_openid characters.
std::optional<failure> check_openid(std::string_view openid);

} // namespace zhida
