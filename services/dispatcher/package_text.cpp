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

} // namespace

std::string shortened(std::string_view text, std::size_t characters) {
    std::size_t count = 0, cut = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue; // inside a character
        if (count + 1 == characters) cut = i;
        if (++count > characters) return std::string(text.substr(0, cut)) + "…";
    }
    return std::string(text);
}

std::string deadline_text(const policy_item& item) {
    return item.window.end ? format_date(*item.window.end) + "截止" : "长期有效";
}

std::string sms_text(const policy& p, std::uint16_t items, const sms_config& c) {
    const auto* item = first_matched(p, items);
    if (!item) return {};
    const int n = matched(p, items);
    const char* page = item->subject == subject_type::enterprise ? "企业专属网页" : "市民主页";
    std::string text = "【" + c.signature + "】" + shortened(p.issuer, 20) + "：您可能符合“" +
                       shortened(item->title, 28) + "”";
    if (n > 1) text += "等" + std::to_string(n) + "项政策";
    if (!item->benefit.empty()) text += "，" + shortened(item->benefit, 24);
    text += "，" + deadline_text(*item) + "。详情请登录" + page + "，" + c.verify_hint + "。拒收请回复R";
    return text;
}

std::vector<std::pair<std::string, std::string>> wechat_fields(const policy& p, std::uint16_t items) {
    const auto* item = first_matched(p, items);
    if (!item) return {};
    return {{"thing1", shortened(item->title, 20)},
            {"thing2", shortened(item->benefit.empty() ? p.title : item->benefit, 20)},
            {"thing3", shortened(p.issuer, 20)},
            {"thing4", shortened(deadline_text(*item), 20)}};
}

} // namespace zhida::dispatcher
