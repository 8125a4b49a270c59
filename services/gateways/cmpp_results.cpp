#include "services/gateways/cmpp_results.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways::cmpp {

namespace {

using enum send_outcome;

constexpr result_reaction table[] = {
    {0, accepted, "", false, false, "accepted", reason_class::accepted, "已接收"},
    {1, rejected, "", false, true, "message structure wrong", reason_class::permanent, "消息结构错"},
    {2, rejected, "", false, true, "command wrong", reason_class::permanent, "命令字错"},
    // The first of the two was taken: sending again under another number would be a second message.
    {3, unknown, "", false, true, "sequence number repeated", reason_class::in_doubt,
     "消息序号重复，可能已接收"},
    {4, rejected, "", false, true, "message length wrong", reason_class::permanent, "消息长度错"},
    {5, stopped, "", false, true, "fee code wrong", reason_class::stop,
     "资费代码错：与网关运营商核对（FeeType 01，FeeCode 000000）"},
    {6, rejected, "", false, true, "longer than a message may be", reason_class::permanent, "超过最大信息长"},
    {7, stopped, "", false, true, "service id wrong", reason_class::stop, "业务代码错：检查 service_id"},
    {8, retry, "", true, false, "flow control", reason_class::slow_down, "流量控制，放慢后再发"},
    {9, rejected, "", false, false, "this gateway does not serve the number", reason_class::permanent,
     "本网关不负责此号码", true},
    {10, stopped, "", false, true, "Src_Id wrong", reason_class::stop, "接入号 Src_Id 错误：检查 src_id"},
    {11, stopped, "", false, true, "Msg_src wrong", reason_class::stop,
     "企业代码 Msg_src 错误：检查 source_addr"},
    {12, stopped, "", false, true, "Fee_terminal_Id wrong", reason_class::stop,
     "计费号码错误：与网关运营商核对（由企业付费，不填计费号码）"},
    {13, rejected, "bad_number", false, false, "Dest_terminal_Id wrong", reason_class::permanent,
     "接收号码错误"},
};
constexpr result_reaction any_other = {
    0xFFFFFFFF,      rejected, "", false, true, "a code of the gateway's own", reason_class::unknown,
    "网关自定的代码"};

} // namespace

const result_reaction& reaction_to(std::uint32_t Result) noexcept {
    const auto found =
        std::find_if(std::begin(table), std::end(table), [&](const auto& row) { return row.code == Result; });
    return found == std::end(table) ? any_other : *found;
}

std::vector<code_reason> result_reasons() {
    std::vector<code_reason> out;
    for (const auto& row : table) out.push_back({std::to_string(row.code), row.means, row.words});
    out.push_back({"*", any_other.means, any_other.words});
    return out;
}

status_reaction login_refusal(std::uint32_t Status) noexcept {
    using wire::session_end;
    switch (Status) {
    case 1:
        return {session_end::login_failed, "message structure wrong", "check sms.version"};
    case 2:
        return {session_end::login_refused, "source address refused",
                "check sms.source_addr and whether the gateway knows this machine's address"};
    case 3:
        return {session_end::login_refused, "authentication failed",
                "check sms.source_addr, sms.secret and this machine's clock"};
    case 4:
        return {session_end::login_refused, "version too high", "set sms.version = \"2.0\""};
    case 5:
        return {session_end::login_failed, "other error; often too many connections",
                "check sms.connections"};
    default:
        return {session_end::login_failed, "a status of the gateway's own", "ask the gateway's operator"};
    }
}

} // namespace zhida::gateways::cmpp
