#include "services/dispatcher/round_text.hpp"

#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"
#include "common/model/round_notice.hpp"

namespace zhida::dispatcher {

namespace {

// Behind the item's name, where it is read alone: 的“第二批”明天截止.
std::string_view alone(std::string_view words) {
    constexpr std::string_view of = "的";
    return words.starts_with(of) ? words.substr(of.size()) : words;
}

bool for_enterprises(const policy& p, std::uint16_t items) {
    for (std::size_t i = 0; i < p.items.size(); ++i)
        if (items >> i & 1) return p.items[i].subject == subject_type::enterprise;
    return false;
}

} // namespace

std::string sms_of_round(const message_round& round, const policy& p, std::uint16_t items, std::int32_t today,
                         const sms_config& c, std::size_t others) {
    if (round.kind == "correction") return sms_correction(p, c);
    if (round.kind == "test") return sms_test(p, items, today, c);
    const auto notice = notice_of_round(round.kind, round.reminder, p, items, today);
    if (!notice) return sms_text(p, items, today, c, others);
    std::string text = "【" + c.signature + "】" + shortened(p.issuer, 20) + "：" +
                       campaign_kind_label(round.kind) + "：“" + shortened(notice->about, 28) + "”" +
                       shortened(notice->words, 40);
    if (notice->deadline) text += "（" + format_date(*notice->deadline) + "）";
    if (others > 0) text += "；另有" + std::to_string(others) + "份政策礼包";
    text += std::string("。详情见") + (for_enterprises(p, items) ? "企业专属网页" : "市民主页") + "，" +
            c.verify_hint + "。拒收请回复R";
    return text;
}

std::vector<std::pair<std::string, std::string>> wechat_of_round(const message_round& round, const policy& p,
                                                                 std::uint16_t items, std::int32_t today,
                                                                 std::size_t others) {
    if (round.kind == "correction") return wechat_correction(p);
    if (round.kind == "test") return wechat_test(p, items, today);
    auto fields = wechat_fields(p, items, today, others);
    const auto notice = notice_of_round(round.kind, round.reminder, p, items, today);
    if (!notice || fields.empty()) return fields;
    const auto more = others > 0 ? "等" + std::to_string(others + 1) + "份" : std::string();
    fields[0].second = shortened(notice->about, others > 0 ? 15 : 20) + more;
    fields[1].second = shortened(alone(notice->words), 20);
    if (notice->deadline) fields[3].second = format_date(*notice->deadline) + "截止";
    return fields;
}

std::string acknowledgement_text(const sms_config& c) {
    return "【" + c.signature +
           "】您已退订本号码的政策短信，不再发送。如需恢复，请在直达网页“接收设置”中开启。";
}

} // namespace zhida::dispatcher
