#include "services/scheduler/news_text.hpp"

#include <utility>

namespace zhida::scheduler {

namespace {

using ledger::state;

constexpr std::size_t most_title = 60, most_detail = 300; // characters

// One line that is no markup, so that no title can be a link or a heading.
std::string plain(std::string_view text, std::size_t characters) {
    constexpr std::pair<char, std::string_view> instead[] = {{'<', "＜"}, {'>', "＞"}, {'[', "［"},
                                                             {']', "］"}, {'`', "｀"}, {'*', "＊"},
                                                             {'#', "＃"}, {'\n', " "}, {'\r', " "}};
    std::string out;
    std::size_t n = 0;
    for (const char c : text) {
        const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
        if (begins && n++ == characters) return out + "…";
        std::string_view put(&c, 1);
        for (const auto& [from, to] : instead)
            if (c == from) put = to;
        out += put;
    }
    return out;
}

const char* channel_words(channel c) noexcept {
    switch (c) {
    case channel::web:
        return "网页";
    case channel::sms:
        return "短信";
    case channel::wechat:
        break;
    }
    return "微信";
}

std::string gateway_words(std::string_view name) {
    if (name == "sms") return "短信网关";
    if (name == "wechat") return "微信公众号";
    if (name == "miniprogram") return "微信小程序";
    if (name == "wecom") return "企业微信应用";
    return "短信网关 " + plain(name, 20);
}

std::string line(const char* label, const std::string& text) {
    return std::string("\n> ") + label + "：" + text;
}

std::string when(wall_time now) { // "2026-11-23 21:05"
    auto text = to_rfc3339(now).substr(0, 16);
    text[10] = ' ';
    return text;
}

std::string heading(const char* words, const campaign& c) {
    const auto* kind = campaign_kind_label(c.kind);
    return std::string("**") + words + "**" +
           line("政策", plain(c.title, most_title) +
                            (kind && c.kind != "first" ? "（" + std::string(kind) + "）" : "")) +
           line("发布单位", plain(c.issuer, most_title));
}

std::string ending(const campaign& c, wall_time now) {
    return line("任务", plain(c.id, most_campaign_id)) + line("时间", when(now));
}

} // namespace

std::string begin_news(const campaign& c, const std::vector<channel_progress>& channels, wall_time now) {
    std::string recipients;
    for (const auto& p : channels)
        recipients += (recipients.empty() ? "" : "，") + std::string(channel_words(p.via)) + " " +
                      std::to_string(p.matched());
    return heading("政策推送开始", c) + line("收件人", recipients) + ending(c, now);
}

std::string finish_news(const campaign& c, const std::vector<channel_progress>& channels, wall_time now) {
    auto text = heading("政策推送完成", c);
    for (const auto& p : channels) {
        const auto count = [&](state s) { return p.states[static_cast<std::size_t>(s)]; };
        std::string counts;
        const auto add = [&](const char* words, std::int64_t n, bool always) {
            if (n == 0 && !always) return;
            counts += (counts.empty() ? "" : "，") + std::string(words) + " " + std::to_string(n);
        };
        add("送达", count(state::delivered), true);
        add("待回执", count(state::submitting) + count(state::submitted), false);
        add("结果未知", count(state::unknown), false);
        add("失败", count(state::failed), true);
        add("未推送", count(state::suppressed), true);
        add("过期或取消", count(state::expired) + count(state::cancelled), false);
        text += line(channel_words(p.via), counts);
    }
    return text + ending(c, now);
}

std::string gateway_news(std::string_view gateway, std::string_view state, std::string_view detail,
                         wall_time now) {
    const bool stopped = state == "stopped";
    return std::string("**") + (stopped ? "通道已停用" : "通道故障，暂停发送") + "：" +
           gateway_words(gateway) + "**" +
           line("原因", detail.empty() ? "网关没有说明" : plain(detail, most_detail)) +
           line("处理", stopped ? "请按原因核对账号、密钥、额度或白名单；处理后会自动恢复，未发消息不会丢失"
                                : "会自动探测并恢复；持续不恢复时请检查网络与服务方") +
           line("时间", when(now));
}

std::string gateway_well_news(std::string_view gateway, wall_time now) {
    return "**通道已恢复：" + gateway_words(gateway) + "**" + line("时间", when(now));
}

} // namespace zhida::scheduler
