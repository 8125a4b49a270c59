#include "services/gateways/smpp_results.hpp"

#include "services/gateways/cmpp_stats.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways::smpp {

namespace {

using enum send_outcome;
using why = reason_class;

constexpr result_reaction table[] = {
    {0x00, accepted, "", false, false, "accepted", why::accepted, "ESME_ROK：已接收"},
    {0x01, rejected, "", false, true, "message length wrong", why::permanent, "ESME_RINVMSGLEN：消息长度错"},
    {0x02, rejected, "", false, true, "command length wrong", why::permanent, "ESME_RINVCMDLEN：命令长度错"},
    {0x03, rejected, "", false, true, "command not known", why::permanent, "ESME_RINVCMDID：命令不支持"},
    {0x04, stopped, "", false, true, "this bind may not submit", why::stop,
     "ESME_RINVBNDSTS：此绑定不能发送，请网关运营商开通收发（transceiver）"},
    {0x06, rejected, "", false, true, "priority_flag wrong", why::permanent, "ESME_RINVPRTFLG：优先级错"},
    {0x07, rejected, "", false, true, "registered_delivery wrong", why::permanent,
     "ESME_RINVREGDLVFLG：状态报告选项错"},
    {0x08, retry, "", false, false, "system error", why::retry, "ESME_RSYSERR：短信中心内部错误"},
    {0x0A, stopped, "", false, true, "source_addr wrong", why::stop,
     "ESME_RINVSRCADR：接入号错误，检查 src_id"},
    {0x0B, rejected, "bad_number", false, false, "destination_addr wrong", why::permanent,
     "ESME_RINVDSTADR：接收号码错误"},
    {0x14, retry, "", true, false, "message queue full", why::slow_down,
     "ESME_RMSGQFUL：队列已满，放慢后再发"},
    {0x15, stopped, "", false, true, "service_type wrong", why::stop,
     "ESME_RINVSERTYP：业务类型错误，检查 service_id"},
    {0x43, rejected, "", false, true, "esm_class wrong", why::permanent, "ESME_RINVESMCLASS：esm_class 错"},
    {0x45, rejected, "", false, true, "submit failed, for no reason said", why::unknown,
     "ESME_RSUBMITFAIL：提交失败，原因未说明"},
    {0x48, stopped, "", false, true, "source_addr_ton wrong", why::stop,
     "ESME_RINVSRCTON：接入号类型错误，检查 src_id"},
    {0x49, stopped, "", false, true, "source_addr_npi wrong", why::stop,
     "ESME_RINVSRCNPI：接入号方案错误，检查 src_id"},
    {0x50, stopped, "", false, true, "dest_addr_ton wrong", why::stop,
     "ESME_RINVDSTTON：接收号码类型错误，与网关运营商核对（dest_addr_ton 1）"},
    {0x51, stopped, "", false, true, "dest_addr_npi wrong", why::stop,
     "ESME_RINVDSTNPI：接收号码方案错误，与网关运营商核对（dest_addr_npi 1）"},
    {0x53, stopped, "", false, true, "system_type wrong", why::stop,
     "ESME_RINVSYSTYP：system_type 错误，检查 system_type"},
    {0x58, retry, "", true, false, "throttled", why::slow_down, "ESME_RTHROTTLED：流量控制，放慢后再发"},
    {0x61, rejected, "", false, true, "scheduled time wrong", why::permanent, "ESME_RINVSCHED：定时错误"},
    {0x62, rejected, "", false, true, "validity_period wrong", why::permanent, "ESME_RINVEXPIRY：有效期错误"},
    {0x64, retry, "", false, false, "temporary error", why::retry, "ESME_RX_T_APPN：暂时错误"},
    {0x65, rejected, "", false, false, "permanent error", why::permanent, "ESME_RX_P_APPN：永久错误"},
    {0x66, rejected, "", false, false, "refused", why::permanent, "ESME_RX_R_APPN：被拒绝"},
    {0xC0, rejected, "", false, true, "optional part of the PDU wrong", why::permanent,
     "ESME_RINVOPTPARSTREAM：可选参数部分错误"},
    {0xC1, rejected, "", false, true, "optional parameter not allowed: set long_text = \"udh\"",
     why::permanent, "ESME_ROPTPARNOTALLWD：不支持此可选参数，可设 long_text 为 udh"},
    {0xC2, rejected, "", false, true, "length of an optional parameter wrong", why::permanent,
     "ESME_RINVPARLEN：可选参数长度错"},
    {0xC3, rejected, "", false, true, "optional parameter missing", why::permanent,
     "ESME_RMISSINGOPTPARAM：缺可选参数"},
    {0xC4, rejected, "", false, true, "value of an optional parameter wrong", why::permanent,
     "ESME_RINVOPTPARAMVAL：可选参数值错"},
    {0xFF, rejected, "", false, true, "unknown error", why::unknown, "ESME_RUNKNOWNERR：未说明的错误"},
};
constexpr result_reaction any_other = {
    0xFFFFFFFF, rejected, "", false, true, "a status that is not known here", why::unknown, "没有见过的代码"};

using enum gateways::receipt::meaning;

constexpr stat_reaction stats[] = {
    {"DELIVRD", delivered, why::accepted, "", "已送达"},
    {"ACCEPTD", intermediate, why::accepted, "", "处理中，尚未送达"},
    {"ENROUTE", intermediate, why::accepted, "", "投递中，尚未送达"},
    {"SCHEDULED", intermediate, why::accepted, "", "等待定时投递"},
    {"EXPIRED", failed, why::permanent, "", "有效期内未能送达"},
    {"DELETED", failed, why::permanent, "", "短信已被删除"},
    {"UNDELIV", failed, why::permanent, "", "无法投递"},
    {"UNKNOWN", failed, why::unknown, "", "短信中心不知结果"},
    {"REJECTD", failed, why::permanent, "", "短信被拒绝"},
    {"SKIPPED", failed, why::permanent, "", "短信被跳过"},
};

} // namespace

const result_reaction& reaction_to(std::uint32_t command_status) noexcept {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& row) { return row.code == command_status; });
    return found == std::end(table) ? any_other : *found;
}

std::vector<code_reason> result_reasons() {
    std::vector<code_reason> out;
    for (const auto& row : table) out.push_back({std::to_string(row.code), row.means, row.words});
    out.push_back({"*", any_other.means, any_other.words});
    return out;
}

bind_reaction bind_refusal(std::uint32_t command_status) noexcept {
    using wire::session_end;
    switch (command_status) {
    case 0x03:
        return {session_end::login_refused, "bind_transceiver not known",
                "ask the gateway's operator for an account of SMPP 3.4"};
    case 0x05:
        return {session_end::login_failed, "already bound; often too many connections",
                "check sms.connections"};
    case 0x0D:
        return {session_end::login_refused, "bind failed",
                "check sms.source_addr, sms.secret, and whether the gateway knows this machine's address"};
    case 0x0E:
        return {session_end::login_refused, "password wrong", "check sms.secret"};
    case 0x0F:
        return {session_end::login_refused, "system_id wrong", "check sms.source_addr"};
    case 0x53:
        return {session_end::login_refused, "system_type wrong", "check sms.system_type"};
    case 0x08:
        return {session_end::login_failed, "system error", "it is tried again"};
    case 0x14:
    case 0x58:
        return {session_end::login_failed, "too many binds at once", "it is tried again"};
    default:
        return {session_end::login_failed, "a status that is not known here", "ask the gateway's operator"};
    }
}

stat_reaction reaction_to_stat(std::string_view stat) noexcept {
    const auto found =
        std::find_if(std::begin(stats), std::end(stats), [&](const auto& row) { return stat == row.stat; });
    if (found != std::end(stats)) return *found;
    const auto& of_a_network = cmpp::reaction_to_stat(stat);
    return {of_a_network.Stat, of_a_network.meaning, of_a_network.means, of_a_network.recipient_fault,
            of_a_network.words};
}

std::vector<code_reason> stat_reasons() {
    std::vector<code_reason> out;
    for (const auto& row : stats) out.push_back({row.stat, row.means, row.words});
    out.push_back({"*", reason_class::unknown, "按 CMPP 状态表查"});
    return out;
}

} // namespace zhida::gateways::smpp
