#include "services/dispatcher/package_text.hpp"

#include "common/base/clock.hpp"

namespace zhida::dispatcher {

namespace {

const policy_item* first_matched(const policy& p, std::uint16_t items) {
    for (std::size_t i = 0; i < p.items.size(); ++i)
        if (items >> i & 1) return &p.items[i];
    return nullptr;
}

int matched(const policy& p, std::uint16_t items) {
    int n = 0;
    for (std::size_t i = 0; i < p.items.size(); ++i) n += items >> i & 1;
    return n;
}

std::vector<std::string_view> characters_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < text.size();) {
        auto end = at + 1;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
        out.push_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

bool one_of(std::string_view character, std::string_view these) {
    for (const auto c : characters_of(these))
        if (c == character) return true;
    return false;
}
bool digit(std::string_view c) {
    return one_of(c, "0123456789");
}
bool of_a_number(std::string_view c) {
    return digit(c) || one_of(c, ".,-~—–～至×/%％‰万亿千百十元角分年个月季度日天周岁人户次倍项家套吨美");
}
bool ends_a_clause(std::string_view c) {
    return one_of(c, "，；。、：,;");
}

// Where to cut instead of at `at`: where a number goes on there, before the clause that it stands in if half
// of the text is left, else before the number.
std::size_t cut_before_number(const std::vector<std::string_view>& text, std::size_t at) {
    if (!of_a_number(text[at])) return at;
    auto number = digit(text[at]) ? at : text.size();
    for (auto from = at; from > 0 && of_a_number(text[from - 1]); --from)
        if (digit(text[from - 1])) number = from - 1;
    if (number == text.size()) return at;
    for (auto clause = number; clause > at / 2; --clause)
        if (ends_a_clause(text[clause - 1])) return clause - 1;
    return number;
}

} // namespace

std::string shortened(std::string_view text, std::size_t characters) {
    const auto all = characters_of(text);
    if (all.size() <= characters || characters == 0) return std::string(text);
    std::string out;
    auto cut = cut_before_number(all, characters - 1);
    while (cut > 0 && ends_a_clause(all[cut - 1])) --cut;
    for (std::size_t i = 0; i < cut; ++i) out += all[i];
    return out + "…";
}

std::string deadline_text(const deadline& d) {
    switch (d.now) {
    case deadline::kind::unstated:
        break;
    case deadline::kind::open:
    case deadline::kind::soon:
        return d.of_policy ? "政策有效期至" + format_date(*d.end) : format_date(*d.end) + "截止";
    case deadline::kind::not_yet:
        return format_date(*d.start) + "起受理";
    case deadline::kind::closed:
        return d.of_policy ? "政策已于" + format_date(*d.end) + "失效"
                           : "已于" + format_date(*d.end) + "截止";
    }
    return "截止时间见原文";
}

sms_words package_words(const policy& p, std::uint16_t items, std::int32_t today,
                        const std::string& verify_hint, std::size_t others) {
    const auto* item = first_matched(p, items);
    if (!item) return {};
    const int n = matched(p, items);
    return {"policy",
            {{"issuer", shortened(p.issuer, 20)},
             {"title", shortened(item->title, 28)},
             {"more", n > 1 ? "等" + std::to_string(n) + "项政策" : ""},
             {"benefit", item->benefit.empty() ? "" : "，" + shortened(item->benefit, 24)},
             {"deadline", deadline_text(deadline_of(*item, p.valid, today))},
             {"others", others_words(others)},
             {"page", page_of(item->subject)},
             {"verify", verify_hint}}};
}

std::string others_words(std::size_t others) {
    return others > 0 ? "；另有" + std::to_string(others) + "份政策礼包" : "";
}

std::string page_of(subject_type type) {
    return type == subject_type::enterprise ? "企业专属网页" : "市民主页";
}

std::vector<std::pair<std::string, std::string>> wechat_fields(const policy& p, std::uint16_t items,
                                                               std::int32_t today, std::size_t others) {
    const auto* item = first_matched(p, items);
    if (!item) return {};
    const auto more = others > 0 ? "等" + std::to_string(others + 1) + "份" : std::string();
    return {{"thing1", shortened(item->title, others > 0 ? 15 : 20) + more},
            {"thing2", shortened(item->benefit.empty() ? p.title : item->benefit, 20)},
            {"thing3", shortened(p.issuer, 20)},
            {"thing4", shortened(deadline_text(deadline_of(*item, p.valid, today)), 20)}};
}

sms_words test_words(const policy& p, std::uint16_t items, std::int32_t today,
                     const std::string& verify_hint) {
    auto words = package_words(p, items, today, verify_hint);
    if (!words.key.empty()) words.key = "test";
    return words;
}

std::vector<std::pair<std::string, std::string>> wechat_test(const policy& p, std::uint16_t items,
                                                             std::int32_t today) {
    auto fields = wechat_fields(p, items, today);
    if (!fields.empty()) fields.front().second = shortened("【测试】" + first_matched(p, items)->title, 20);
    return fields;
}

sms_words correction_words(const policy& p, const std::string& verify_hint) {
    return {
        "correction",
        {{"issuer", shortened(p.issuer, 20)}, {"title", shortened(p.title, 28)}, {"verify", verify_hint}}};
}

sms_words acknowledgement_words() {
    return {"acknowledgement", {}};
}

std::vector<std::pair<std::string, std::string>> wechat_correction(const policy& p) {
    return {{"thing1", shortened("更正：" + p.title, 20)},
            {"thing2", "此前推送已撤回，请勿据此办理"},
            {"thing3", shortened(p.issuer, 20)},
            {"thing4", "以政策原文为准"}};
}

} // namespace zhida::dispatcher
