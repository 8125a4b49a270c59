// What a recipient reads on SMS and WeChat: pure, made of the policy's own words.
#pragma once

#include "common/base/config.hpp"
#include "common/model/deadline.hpp"
#include "common/model/policy.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace zhida::dispatcher {

// items: bit i is item i of the policy; today: days since 1970-01-01 in Asia/Shanghai. Both name the issuer,
// the first matched item, its benefit and deadline, and the page to open; the SMS carries the signature
// first, no link, how to verify it and how to refuse. Neither says whether the recipient qualifies: items are
// all that is known here, and the page tells.
// others: how many packages of other campaigns the same message stands for; the page has them.
std::string sms_text(const policy& p, std::uint16_t items, std::int32_t today, const sms_config& c,
                     std::size_t others = 0);
// Fields of the policy notice template, in the template's order: thing1 title, thing2 benefit, thing3 issuer,
// thing4 deadline. Each at most 20 characters, as the platform asks of `thing`.
std::vector<std::pair<std::string, std::string>> wechat_fields(const policy& p, std::uint16_t items,
                                                               std::int32_t today, std::size_t others = 0);

// The same, marked 【测试】.
std::string sms_test(const policy& p, std::uint16_t items, std::int32_t today, const sms_config& c);
std::vector<std::pair<std::string, std::string>> wechat_test(const policy& p, std::uint16_t items,
                                                             std::int32_t today);

// That what was sent before does not hold any more.
std::string sms_correction(const policy& p, const sms_config& c);
std::vector<std::pair<std::string, std::string>> wechat_correction(const policy& p);

// At most so many characters (code points), with … at the end where something was cut. Never cut inside a
// number or between it and its unit: 最高4000万元 is not to be read as 最高400.
std::string shortened(std::string_view text, std::size_t characters);
// "2026-12-31截止", "政策已于2022-12-31失效", "截止时间见原文"
std::string deadline_text(const deadline& d);

} // namespace zhida::dispatcher
