#include "services/gateways/wecom_codes.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>

namespace zhida::gateways {

namespace {

using enum send_outcome;
using next = wecom_reaction::next;

constexpr wecom_reaction table[] = {
    {0, accepted, next::none, "", 0, false, "ok", reason_class::accepted, "成功"},

    {-1, retry, next::none, "", 5000, false, "the platform is busy", reason_class::retry, "平台繁忙"},
    {45009, retry, next::slow_down, "", 60000, true, "called too often", reason_class::slow_down,
     "调用超过频率限制"},
    {45033, retry, next::slow_down, "", 5000, false, "too many calls at once", reason_class::slow_down,
     "并发调用超过限制"},

    {40014, retry, next::refresh_token, "", 30000, false, "access_token is not valid", reason_class::retry,
     "access_token 无效"},
    {42001, retry, next::refresh_token, "", 30000, false, "access_token has expired", reason_class::retry,
     "access_token 已过期"},

    {40001, stopped, next::stop, "", 0, true, "secret is not valid: check wecom.secret", reason_class::stop,
     "应用 secret 不对，请核对 wecom.secret"},
    {40091, stopped, next::stop, "", 0, true, "secret is not valid: check wecom.secret", reason_class::stop,
     "应用 secret 不对，请核对 wecom.secret"},
    {41004, stopped, next::stop, "", 0, true, "secret was missing: set wecom.secret", reason_class::stop,
     "缺应用 secret，请设置 wecom.secret"},
    {40013, stopped, next::stop, "", 0, true, "corpid is not valid: check wecom.corpid", reason_class::stop,
     "企业 ID 不对，请核对 wecom.corpid"},
    {41002, stopped, next::stop, "", 0, true, "corpid was missing: set wecom.corpid", reason_class::stop,
     "缺企业 ID，请设置 wecom.corpid"},
    {40056, stopped, next::stop, "", 0, true, "agentid is not valid: check wecom.agentid", reason_class::stop,
     "应用 ID 不对，请核对 wecom.agentid"},
    {41011, stopped, next::stop, "", 0, true, "agentid was missing: set wecom.agentid", reason_class::stop,
     "缺应用 ID，请设置 wecom.agentid"},
    {301002, stopped, next::stop, "", 0, true,
     "the secret is of another application: wecom.secret and wecom.agentid must belong together",
     reason_class::stop, "secret 无权使用此应用，请核对 wecom.secret 与 wecom.agentid 是否同属一个应用"},
    {48002, stopped, next::stop, "", 0, true, "the application may not use this interface",
     reason_class::stop, "应用没有此接口权限，请在管理后台开通"},
    {50003, stopped, next::stop, "", 0, true, "the application is disabled", reason_class::stop,
     "应用已停用，请在管理后台启用"},
    {60020, stopped, next::stop, "", 0, true,
     "this address is not among the application's trusted IP addresses", reason_class::stop,
     "本机地址不在应用的企业可信 IP 中，请在管理后台添加"},

    {81013, rejected, next::none, "not_following", 0, false,
     "no recipient is a member within sight of the application", reason_class::opt_out,
     "收件人都不是成员，或不在应用可见范围"},
    {40003, rejected, next::split, "bad_number", 0, false, "userid is not valid", reason_class::permanent,
     "userid 无效"},
    {40031, rejected, next::split, "bad_number", 0, false, "a userid of the list is not valid",
     reason_class::permanent, "userid 列表有误"},
    {60111, rejected, next::split, "bad_number", 0, false, "no such userid", reason_class::permanent,
     "userid 不存在"},
    {60011, rejected, next::split, "not_following", 0, true, "a member is not within the application's sight",
     reason_class::opt_out, "成员不在应用可见范围"},

    {40032, rejected, next::none, "content", 0, true, "the list of userids is too long: our mistake",
     reason_class::permanent, "userid 列表太长"},
    {40035, rejected, next::none, "content", 0, true, "a parameter is not valid", reason_class::permanent,
     "参数无效"},
    {40058, rejected, next::none, "content", 0, true, "a parameter is not valid", reason_class::permanent,
     "参数不合要求"},
    {44004, rejected, next::none, "content", 0, true, "the text is empty", reason_class::permanent,
     "内容为空"},
    {45002, rejected, next::none, "content", 0, true, "the text is too long", reason_class::permanent,
     "内容太长"},
    {40008, rejected, next::none, "content", 0, true, "msgtype is not valid", reason_class::permanent,
     "消息类型无效"},
    {41001, rejected, next::none, "", 0, true, "access_token was missing: our mistake",
     reason_class::permanent, "缺 access_token"},

    {93000, stopped, next::stop, "", 0, true,
     "the robot's key is not valid, or the robot was taken out of its group: check wecom.robots",
     reason_class::stop, "机器人 key 无效，或机器人已被移出群，请核对 wecom.robots"},
};
constexpr wecom_reaction any_other = {-2,
                                      rejected,
                                      next::none,
                                      "",
                                      0,
                                      true,
                                      "a code nobody has told us about",
                                      reason_class::unknown,
                                      "没有见过的代码"};

} // namespace

const wecom_reaction& wecom_reaction_to(std::int64_t errcode) noexcept {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& row) { return row.errcode == errcode; });
    return found == std::end(table) ? any_other : *found;
}

std::vector<code_reason> wecom_reasons() {
    std::vector<code_reason> out;
    for (const auto& row : table) out.push_back({std::to_string(row.errcode), row.means, row.words});
    out.push_back({"*", any_other.means, any_other.words});
    return out;
}

wecom_limit wecom_limit_of(std::string_view errmsg) noexcept {
    const auto says = [&](std::string_view word) {
        const auto same = [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
        };
        return std::search(errmsg.begin(), errmsg.end(), word.begin(), word.end(), same) != errmsg.end();
    };
    if (says("minute")) return wecom_limit::minute;
    if (says("hour")) return wecom_limit::hour;
    if (says("daily") || says("per day") || says("a day") || says("day quota")) return wecom_limit::day;
    return wecom_limit::minute;
}

} // namespace zhida::gateways
