#include "services/dispatcher/wecom_message.hpp"

#include "common/base/clock.hpp"
#include "common/model/round_notice.hpp"

#include <algorithm>

namespace zhida::dispatcher {

namespace {

constexpr std::size_t title_characters = 40; // at most 3 bytes each, of 128

std::string value(const sms_words& words, std::string_view name) {
    for (const auto& [key, text] : words.variables)
        if (key == name) return text;
    return "";
}

std::string without(std::string text, std::string_view front) {
    if (text.starts_with(front)) text.erase(0, front.size());
    return text;
}

void add_line(std::string& to, const std::string& label, const std::string& text) {
    if (text.empty()) return;
    to += (to.empty() ? "" : "\n") + label + text;
}

} // namespace

gateways::wecom_text wecom_of_round(const message_round& round, const policy& p, std::uint16_t items,
                                    std::int32_t today, std::size_t others, const std::string& url) {
    gateways::wecom_text out;
    out.url = url;
    if (round.kind == "correction") {
        out.title = shortened("更正：" + p.title, title_characters);
        out.description = "此前推送已撤回，请勿据此办理，以政策原文为准";
        add_line(out.description, "发布单位：", shortened(p.issuer, 20));
        return out;
    }
    const bool test = round.kind == "test";
    const auto words = package_words(p, items, today, "", test ? 0 : others);
    out.title = shortened((test ? "【测试】" : "") + p.title, title_characters);
    const auto notice = notice_of_round(round.kind, round.reminder, p, items, today);
    auto deadline = value(words, "deadline");
    if (notice) {
        out.description = shortened(notice->zh, 60);
        if (notice->deadline) deadline = format_date(*notice->deadline) + "截止";
    } else {
        out.description = value(words, "title") + value(words, "more");
    }
    add_line(out.description, "支持内容：", without(value(words, "benefit"), "，"));
    add_line(out.description, "办理期限：", deadline);
    add_line(out.description, "发布单位：", shortened(p.issuer, 20));
    add_line(out.description, "", without(value(words, "others"), "；"));
    return out;
}

} // namespace zhida::dispatcher
