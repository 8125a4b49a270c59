#include "services/gateways/wechat_codes.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways {

namespace {

using enum send_outcome;
using next = wechat_reaction::next;

constexpr wechat_reaction table[] = {
    {0, accepted, next::none, "", 0, false, "ok", reason_class::accepted, "成功"},

    {-1, retry, next::none, "", 5000, false, "the platform is busy", reason_class::retry, "平台繁忙"},
    {45011, retry, next::none, "", 5000, false, "called too often", reason_class::slow_down, "调用太频繁"},
    {43108, retry, next::none, "", 2000, false, "sent at the same time", reason_class::retry, "并发发送"},
    {45066, retry, next::none, "", 60000, false, "the same client_msg_id is being sent", reason_class::retry,
     "同一消息正在发送"},

    {40001, retry, next::refresh_token, "", 2000, false, "access_token is not the latest",
     reason_class::retry, "access_token 不是最新的"},
    {40014, retry, next::refresh_token, "", 2000, false, "access_token is not valid", reason_class::retry,
     "access_token 无效"},
    {42001, retry, next::refresh_token, "", 2000, false, "access_token has expired", reason_class::retry,
     "access_token 已过期"},

    {40013, stopped, next::stop_credentials, "", 0, true, "appid is not valid: check wechat.appid",
     reason_class::stop, "appid 无效"},
    {40164, stopped, next::stop_credentials, "", 0, true,
     "this address is not in the account's IP allow-list", reason_class::stop, "本机地址不在 IP 白名单"},
    {40125, stopped, next::stop_credentials, "", 0, true, "secret is not valid: check wechat.secret",
     reason_class::stop, "secret 无效"},
    {40243, stopped, next::stop_credentials, "", 0, true, "secret is frozen", reason_class::stop,
     "secret 已冻结"},
    {89503, stopped, next::stop_credentials, "", 0, true, "this address waits for an administrator's consent",
     reason_class::stop, "本机地址待管理员确认"},
    {89506, stopped, next::stop_credentials, "", 0, true, "this address was refused by an administrator",
     reason_class::stop, "本机地址被管理员拒绝"},
    {48001, stopped, next::stop_credentials, "", 0, true, "the account may not use this interface",
     reason_class::stop, "账号没有此接口权限"},
    {48004, stopped, next::stop_credentials, "", 0, true, "the interface is banned for the account",
     reason_class::stop, "接口被封禁"},
    {43107, stopped, next::stop_credentials, "", 0, true, "the account's ability to send is banned",
     reason_class::stop, "账号的发送能力被封禁"},
    {50002, stopped, next::stop_credentials, "", 0, true, "the account is restricted", reason_class::stop,
     "账号受限"},
    {45109, stopped, next::stop_credentials, "", 0, true, "the interface was withdrawn", reason_class::stop,
     "接口已下线"},

    {45009, stopped, next::stop_quota, "", 0, true, "the day's quota is used up", reason_class::stop,
     "当日额度已用完"},
    {48006, stopped, next::stop_quota, "", 0, true, "the quota cannot be cleared any more this month",
     reason_class::stop, "本月清零次数已用完"},

    {40038, retry, next::next_day, "", 60000, false, "the recipient has had what a day allows",
     reason_class::slow_down, "该用户当日已达上限"},

    {43101, rejected, next::none, "refused", 0, false, "refuses messages of this template",
     reason_class::opt_out, "用户拒收此模板"},
    {43116, rejected, next::none, "refused", 0, false, "refuses messages of this template",
     reason_class::opt_out, "用户拒收此模板"},
    {43004, rejected, next::none, "not_following", 0, false, "does not follow the account",
     reason_class::opt_out, "用户未关注"},
    {50005, rejected, next::none, "not_following", 0, false, "does not follow the account",
     reason_class::opt_out, "用户未关注"},
    {46004, rejected, next::none, "not_following", 0, false, "no such user", reason_class::opt_out,
     "没有此用户"},
    {43019, rejected, next::none, "not_following", 0, false, "is in the account's blacklist",
     reason_class::opt_out, "用户在黑名单"},
    {48002, rejected, next::none, "not_following", 0, false, "receives no messages", reason_class::opt_out,
     "用户拒收消息"},
    {40003, rejected, next::none, "bad_number", 0, false, "openid is not valid here", reason_class::permanent,
     "openid 无效"},
    {40031, rejected, next::none, "bad_number", 0, false, "openid is not valid here", reason_class::permanent,
     "openid 无效"},

    {47003, rejected, next::none, "content", 0, true, "a field does not fit the template",
     reason_class::permanent, "字段不合模板"},
    {40037, rejected, next::none, "content", 0, true, "template_id is not valid: check wechat.template_id",
     reason_class::permanent, "template_id 无效"},
    {40036, rejected, next::none, "content", 0, true, "template_id has a wrong length",
     reason_class::permanent, "template_id 长度不对"},
    {41030, rejected, next::none, "content", 0, true, "page is not valid", reason_class::permanent,
     "page 无效"},
    {45002, rejected, next::none, "content", 0, true, "too long", reason_class::permanent, "内容太长"},
    {45168, rejected, next::none, "content", 0, true, "contains sensitive words", reason_class::permanent,
     "含敏感词"},
    {47001, rejected, next::none, "content", 0, true, "the body is not JSON", reason_class::permanent,
     "正文不是 JSON"},
    {40033, rejected, next::none, "content", 0, true, "the body has \\u escapes", reason_class::permanent,
     "正文含 \\u 转义"},
    {40035, rejected, next::none, "content", 0, true, "a parameter is not valid", reason_class::permanent,
     "参数无效"},
    {41001, rejected, next::none, "", 0, true, "access_token was missing: our mistake",
     reason_class::permanent, "缺 access_token"},

    {40241, accepted, next::none, "", 0, false, "sent already within 60 s", reason_class::accepted,
     "60 秒内已发过"},
    {45065, accepted, next::none, "", 0, false, "sent already", reason_class::accepted, "已发过"},
};
constexpr wechat_reaction any_other = {-2,
                                       rejected,
                                       next::none,
                                       "",
                                       0,
                                       true,
                                       "a code nobody has told us about",
                                       reason_class::unknown,
                                       "没有见过的代码"};

} // namespace

const wechat_reaction& wechat_reaction_to(std::int64_t errcode) noexcept {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& row) { return row.errcode == errcode; });
    return found == std::end(table) ? any_other : *found;
}

std::vector<code_reason> wechat_reasons() {
    std::vector<code_reason> out;
    for (const auto& row : table) out.push_back({std::to_string(row.errcode), row.means, row.words});
    out.push_back({"*", any_other.means, any_other.words});
    return out;
}

} // namespace zhida::gateways
