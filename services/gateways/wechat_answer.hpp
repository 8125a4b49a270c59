// What the platform's interfaces answer, of WeChat and of WeCom, read without trusting more of it than is
// needed. Pure. Source: developers.weixin.qq.com, 全局返回码; developer.work.weixin.qq.com, 全局错误码.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "services/gateways/wechat_token.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::gateways {

struct wechat_answer {
    std::int64_t errcode = 0; // absent in answers with a token: 0; as a number or as its digits
    std::string errmsg;       // up to 512 bytes; "" where it is no text
    std::string rid;          // of errmsg "...rid: 63ba...": what the platform's support asks for
    std::string msgid;        // as decimal digits or as the text it was; "" where there is none
    json body;                // the whole object
};
// Failure invalid: no JSON object, or an errcode that cannot be understood, which must not pass for 0.
result<wechat_answer> read_wechat_answer(std::string_view body);

// access_token and expires_in of an answer with errcode 0. refused: it has another errcode. invalid (where:
// the member): no token of 1 to 4096 printable characters without spaces, or none that lives 1 to 86400
// seconds. What it says does not repeat the token.
result<wechat_token> read_token_answer(const wechat_answer& answer, wall_time now);

} // namespace zhida::gateways
