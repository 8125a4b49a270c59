#include "services/gateways/cmpp_stats.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways::cmpp {

namespace {

using enum receipt::meaning;
using enum reason_class;

// A code comes before the letters that it begins with.
constexpr stat_reaction table[] = {
    {"DELIVRD", delivered, accepted, "", "已送达"},
    {"ACCEPTD", intermediate, accepted, "", "处理中，尚未送达"},
    {"EXPIRED", failed, permanent, "", "有效期内未能送达"},
    {"DELETED", failed, permanent, "", "短信已被删除"},
    {"UNDELIV", failed, permanent, "", "无法投递"},
    {"UNKNOWN", failed, unknown, "", "网关不知结果"},
    {"REJECTD", failed, permanent, "", "短信被拒绝"},
    {"MK:0001", failed, permanent, "bad_number", "空号"},
    {"DB:0141", failed, opt_out, "refused", "号码在运营商黑名单"},
    {"MB:0008", failed, slow_down, "", "超过流量"},
    {"MO:0008", failed, slow_down, "", "超过流量"},
    {"MA:", failed, retry, "", "短信中心没有应答"},
    {"MB:", failed, unknown, "", "短信中心返回错误"},
    {"MC:", failed, retry, "", "没有收到短信中心的状态报告"},
    {"CA:", failed, retry, "", "SCP 没有应答"},
    {"CB:", failed, unknown, "", "SCP 返回错误"},
    {"DA:", failed, retry, "", "DSMP 没有应答"},
    {"DB:", failed, unknown, "", "DSMP 返回错误"},
    {"SA:", failed, retry, "", "SP 没有应答"},
    {"SB:", failed, unknown, "", "SP 返回错误"},
    {"IA:", failed, retry, "", "下一级网关没有应答"},
    {"IB:", failed, unknown, "", "下一级网关返回错误"},
    {"IC:", failed, retry, "", "没有收到下一级网关的状态报告"},
    {"MK:", failed, unknown, "", "运营商网络自定的代码"},
    {"MN:", failed, unknown, "", "运营商网络自定的代码"},
    {"MI:", failed, unknown, "", "运营商网络自定的代码"},
    {"ID:", failed, unknown, "", "运营商网关自定的代码"},
    {"HD:", failed, unknown, "", "运营商网关自定的代码"},
};
constexpr stat_reaction any_other = {"", failed, unknown, "", "没有见过的代码"};

bool names(const stat_reaction& row, std::string_view Stat) noexcept {
    const std::string_view code = row.Stat;
    return code.ends_with(':') ? Stat.starts_with(code) : Stat == code;
}

} // namespace

const stat_reaction& reaction_to_stat(std::string_view Stat) noexcept {
    const auto found =
        std::find_if(std::begin(table), std::end(table), [&](const auto& row) { return names(row, Stat); });
    return found == std::end(table) ? any_other : *found;
}

std::vector<code_reason> stat_reasons() {
    std::vector<code_reason> out;
    for (const auto& row : table) {
        std::string code = row.Stat;
        if (code.ends_with(':')) code += "*";
        out.push_back({code, row.means, row.words});
    }
    out.push_back({"*", any_other.means, any_other.words});
    return out;
}

} // namespace zhida::gateways::cmpp
