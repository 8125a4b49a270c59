// What a profile's own members must look like, whatever file or event they came in. Values of people are
// never repeated in the texts.
#pragma once

#include "common/base/error.hpp"
#include "common/model/profile.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace zhida {

inline constexpr std::size_t max_name_bytes = 300;
inline constexpr std::size_t max_origin_bytes = 64;
inline constexpr std::size_t max_role_bytes = 32;
inline constexpr std::size_t max_openid_bytes = 64;

// Each: nothing where the value is good, else what is wrong and what to do; `where` is left to the caller.
std::optional<failure> check_id(std::string_view id, subject_type type);
std::optional<failure> check_name(std::string_view name);
std::optional<failure> check_origin(std::string_view origin);
std::optional<failure> check_role(std::string_view role);
// A mainland mobile number, 11 digits from 13 to 19; empty is good.
std::optional<failure> check_phone(std::string_view phone);
std::optional<failure> check_openid(std::string_view openid); // empty is good

} // namespace zhida
