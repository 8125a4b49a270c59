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

subject_type first_subject(const policy& p, std::uint16_t items) {
    for (std::size_t i = 0; i < p.items.size(); ++i)
        if (items >> i & 1) return p.items[i].subject;
    return subject_type::resident;
}

} // namespace

sms_words round_words(const message_round& round, const policy& p, std::uint16_t items, std::int32_t today,
                      const std::string& verify_hint, std::size_t others) {
    if (round.kind == "correction") return correction_words(p, verify_hint);
    if (round.kind == "test") return test_words(p, items, today, verify_hint);
    const auto notice = notice_of_round(round.kind, round.reminder, p, items, today);
    if (!notice) return package_words(p, items, today, verify_hint, others);
    return {"round",
            {{"issuer", shortened(p.issuer, 20)},
             {"kind", campaign_kind_label(round.kind)},
             {"about", shortened(notice->about, 28)},
             {"words", shortened(notice->words, 40)},
             {"deadline", notice->deadline ? "（" + format_date(*notice->deadline) + "）" : ""},
             {"others", others_words(others)},
             {"page", page_of(first_subject(p, items))},
             {"verify", verify_hint}}};
}

std::optional<std::int32_t> round_deadline(const message_round& round, const policy& p, std::uint16_t items,
                                           std::int32_t today) {
    if (const auto notice = notice_of_round(round.kind, round.reminder, p, items, today);
        notice && notice->deadline)
        return notice->deadline;
    for (std::size_t i = 0; i < p.items.size(); ++i)
        if (items >> i & 1) return deadline_of(p.items[i], p.valid, today).end;
    return std::nullopt;
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

} // namespace zhida::dispatcher
