// What a recipient reads on SMS and WeChat: pure, made of the policy's own words.
#pragma once

#include "common/model/deadline.hpp"
#include "common/model/policy.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace zhida::dispatcher {

// What an SMS says: the key of its template, "" where there is nothing to say, and the template's variables.
struct sms_words {
    std::string key;
    std::vector<std::pair<std::string, std::string>> variables; // those that may be absent: ""
};

// items: bit i is item i of the policy; today: days since 1970-01-01 in Asia/Shanghai. Both name the issuer,
// the first matched item, its benefit and deadline, and the page to open; the SMS carries how to verify it as
// well. Neither says whether the recipient qualifies: items are all that is known here, and the page tells.
// others: how many packages of other campaigns the same message stands for; the page has them.
sms_words package_words(const policy& p, std::uint16_t items, std::int32_t today,
                        const std::string& verify_hint, std::size_t others = 0);
// Fields of the policy notice template, in the template's order: thing1 title, thing2 benefit, thing3 issuer,
// thing4 deadline. Each at most 20 characters, as the platform asks of `thing`.
std::vector<std::pair<std::string, std::string>> wechat_fields(const policy& p, std::uint16_t items,
                                                               std::int32_t today, std::size_t others = 0);

// The same, marked 【测试】.
sms_words test_words(const policy& p, std::uint16_t items, std::int32_t today,
                     const std::string& verify_hint);
std::vector<std::pair<std::string, std::string>> wechat_test(const policy& p, std::uint16_t items,
                                                             std::int32_t today);

// That what was sent before does not hold any more.
sms_words correction_words(const policy& p, const std::string& verify_hint);
std::vector<std::pair<std::string, std::string>> wechat_correction(const policy& p);

// To who wrote that they want no more.
sms_words acknowledgement_words();

// "；另有2份政策礼包", "" where there are none; where the recipient reads it all.
std::string others_words(std::size_t others);
std::string page_of(subject_type type);

// At most so many characters (code points), with … at the end where something was cut. Never cut inside a
// number or between it and its unit: 最高4000万元 is not to be read as 最高400.
std::string shortened(std::string_view text, std::size_t characters);
// "2026-12-31截止", "政策已于2022-12-31失效", "截止时间见原文"
std::string deadline_text(const deadline& d);

} // namespace zhida::dispatcher
