#include "common/model/ledger.hpp"
#include "common/base/little_endian.hpp"

#include <algorithm>

namespace zhida::ledger {

namespace {

struct state_name {
    const char* name;
    const char* label;
};
constexpr state_name states[state_count] = {
    {"queued", "待发"},       {"held", "暂缓"},        {"submitting", "提交中"}, {"submitted", "已提交"},
    {"unknown", "结果未知"},  {"delivered", "已送达"}, {"failed", "失败"},       {"expired", "已过期"},
    {"suppressed", "不发送"}, {"cancelled", "已取消"}};

struct reason_name {
    reason value;
    const char* name;
    const char* label;
};
constexpr reason_name reasons[] = {
    {reason::none, "none", ""},
    {reason::opted_out, "opted_out", "本人已退订"},
    {reason::no_contact, "no_contact", "没有联系方式"},
    {reason::invalid_contact, "invalid_contact", "联系方式无效"},
    {reason::no_grant, "no_grant", "没有订阅授权"},
    {reason::not_public, "not_public", "政策不是主动公开"},
    {reason::withdrawn, "withdrawn", "政策已撤回"},
    {reason::duplicate, "duplicate", "重复"},
    {reason::capped, "capped", "达到频次上限"},
    {reason::profile_deleted, "profile_deleted", "画像已删除"},
    {reason::channel_disabled, "channel_disabled", "渠道未启用"},
    {reason::refused_channel, "refused_channel", "本人不接收此渠道"},
    {reason::refused_theme, "refused_theme", "本人不接收此主题"},
    {reason::refused_number, "refused_number", "该号码已退订"},
    {reason::not_targeted, "not_targeted", "本人拒绝定向推送"},
    {reason::not_needed, "not_needed", "已由其他渠道送达"},
    {reason::merged, "merged", "已并入另一条"},
    {reason::rejected, "rejected", "网关拒绝"},
    {reason::bad_number, "bad_number", "号码无效"},
    {reason::refused, "refused", "用户拒收"},
    {reason::not_following, "not_following", "未关注公众号"},
    {reason::content, "content", "内容不合规"},
    {reason::undelivered, "undelivered", "未能送达"},
    {reason::gave_up, "gave_up", "多次重试未成功"},
    {reason::quota_used, "quota_used", "当日额度已用完"},
    {reason::crashed_in_flight, "crashed_in_flight", "提交时中断，不再重发"},
    {reason::no_answer, "no_answer", "网关没有应答"},
    {reason::no_receipt, "no_receipt", "没有状态报告"},
    {reason::retry_later, "retry_later", "稍后重试"},
    {reason::gateway_stopped, "gateway_stopped", "网关停用"},
    {reason::quiet_hours, "quiet_hours", "静默时段"},
    {reason::waiting_turn, "waiting_turn", "等待前一渠道"},
    {reason::send_window, "send_window", "等待发送时段"},
    {reason::approval, "approval", "待审批"},
    {reason::campaign_cancelled, "campaign_cancelled", "任务已取消"},
    {reason::campaign_withdrawn, "campaign_withdrawn", "政策已撤回"},
};

const reason_name& find(reason r) noexcept {
    const auto* found =
        std::find_if(std::begin(reasons), std::end(reasons), [r](const auto& n) { return n.value == r; });
    static constexpr reason_name other{reason::none, "other", "其他"};
    return found == std::end(reasons) ? other : *found;
}

} // namespace

const char* to_string(state s) noexcept {
    return states[static_cast<int>(s)].name;
}
const char* label(state s) noexcept {
    return states[static_cast<int>(s)].label;
}
const char* to_string(reason r) noexcept {
    return find(r).name;
}
const char* label(reason r) noexcept {
    return find(r).label;
}

void encode(const record& r, char* to) noexcept {
    to[0] = static_cast<char>(r.now);
    to[1] = static_cast<char>(r.why);
    to[2] = static_cast<char>(r.attempts);
    to[3] = static_cast<char>(r.engaged);
    put32(to + 4, r.first_submitted);
    put32(to + 8, r.at);
    put32(to + 12, static_cast<std::uint32_t>(r.items) | static_cast<std::uint32_t>(r.merged) << 16);
}

std::string encode(const record& r) {
    std::string bytes(record_size, '\0');
    encode(r, bytes.data());
    return bytes;
}

record decode(const char* from) noexcept {
    record r;
    const auto s = static_cast<unsigned char>(from[0]);
    r.now = s < state_count ? static_cast<state>(s) : state::unknown;
    r.why = static_cast<reason>(from[1]);
    r.attempts = static_cast<std::uint8_t>(from[2]);
    r.engaged = static_cast<std::uint8_t>(from[3]);
    r.first_submitted = get32(from + 4);
    r.at = get32(from + 8);
    const auto last = get32(from + 12);
    r.items = static_cast<std::uint16_t>(last & 0xffff);
    r.merged = static_cast<std::uint16_t>(last >> 16);
    return r;
}

std::uint64_t rank(const record& r) noexcept {
    if (terminal(r.now)) return std::uint64_t{1} << 48; // all equal: the first one to arrive stays
    return static_cast<std::uint64_t>(r.attempts) << 36 | static_cast<std::uint64_t>(r.now) << 32 | r.at;
}

record merge(const record& held, const record& event) noexcept {
    const bool take = rank(event) > rank(held);
    record out = take ? event : held;
    const record& other = take ? held : event;
    out.engaged = static_cast<std::uint8_t>(held.engaged | event.engaged);
    out.items = static_cast<std::uint16_t>(held.items | event.items);
    if (out.first_submitted == 0) out.first_submitted = other.first_submitted;
    return out;
}

} // namespace zhida::ledger
