#include "services/why_text.hpp"

#include "services/portal/texts.hpp"
#include "services/portal/views.hpp"

namespace zhida {

namespace {

using portal::fact_text;
using portal::language;
using portal::mark_text;
using portal::short_time;

std::string word(std::string_view key) {
    return portal::text(language::zh, key);
}

std::string get(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string indent(int by) {
    return std::string(static_cast<std::size_t>(by), ' ');
}

// "甲、乙"
std::string list_of(const json& texts) {
    std::string out;
    for (const auto& t : texts) out += (out.empty() ? "" : "、") + t.get<std::string>();
    return out;
}

void add_lines(std::string& out, const json& lines, int by) {
    for (const auto& line : lines) {
        const auto outcome = get(line, "outcome");
        out += indent(by) +
               (outcome == "met"       ? "✓ "
                : outcome == "not_met" ? "✗ "
                                       : "? ") +
               get(line, "text");
        const auto facts = fact_text(line, language::zh);
        const auto mark = outcome == "met" ? "" : mark_text(line, language::zh);
        if (!facts.empty() || !mark.empty())
            out += "（" + mark + (mark.empty() || facts.empty() ? "" : "；") + facts + "）";
        out += "\n";
        add_lines(out, line.at("parts"), by + 2);
    }
}

std::string verdict_text(const json& item) {
    const auto verdict = get(item, "verdict");
    if (verdict.empty()) return word("why_none");
    if (verdict == "eligible") return word("eligible");
    if (verdict == "ineligible")
        return word(item.value("one_short", false) ? "checkup_one_short" : "not_met");
    auto out = word("possible");
    if (item.value("only_manual_open", false)) out += "，只剩" + word("check_by_hand");
    std::string missing;
    for (const auto& a : item.at("missing"))
        missing += (missing.empty() ? "" : "、") + get(a, "label") + "（" + get(a, "source") + "）";
    return missing.empty() ? out : out + "，" + word("data_missing") + "：" + missing;
}

void add_item(std::string& out, const json& item) {
    out += "  " + word("item") + " " + get(item, "id") + " " + get(item, "title") + "：";
    if (item.value("other_subject", false)) {
        out += word(get(item, "subject") == "resident" ? "for_resident" : "for_enterprise") +
               "，不适用于本主体\n";
        return;
    }
    out += verdict_text(item) + "\n";
    out += "    " + word("deadline") + "：" +
           get(portal::deadline_view(item.at("deadline"), language::zh), "text") + "\n";
    add_lines(out, item.at("why"), 4);
}

void add_delivery(std::string& out, const json& d) {
    out += "    " + word("channel_" + get(d, "channel")) + "：" + get(d, "label");
    if (d.contains("reason_label")) out += "，" + get(d, "reason_label");
    if (d.contains("first_submitted")) out += "，首次提交 " + short_time(get(d, "first_submitted"));
    if (const auto again = d.at("attempts").get<int>(); again > 0)
        out += "，被退回重试 " + std::to_string(again) + " 次";
    if (d.contains("until")) out += "，" + short_time(get(d, "until")) + " 以后再发";
    if (d.contains("since")) out += "，自 " + short_time(get(d, "since"));
    if (d.value("read", false)) out += "，" + word("read");
    out += "\n";
}

std::string reach_text(const std::string& reach) {
    return reach == "eligible"  ? "只推送给“符合”的主体"
           : reach == "decided" ? "推送给“符合”的，和“可能符合”中只剩人工核对的主体"
                                : "推送给“符合”和“可能符合”的主体";
}

void add_version(std::string& out, const json& v) {
    out += "\n第 " + std::to_string(v.at("version").get<int>()) + " 版" +
           (v.at("newest").get<bool>() ? "（最新）" : "（旧版，已推送给本主体）") + "：" + get(v, "title") +
           "\n";
    for (const auto& item : v.at("items")) add_item(out, item);
    if (v.at("campaigns").empty()) {
        out += get(v, "disclosure") != "主动公开" ? "  公开属性为“" + get(v, "disclosure") + "”，依规不推送\n"
               : v.at("pushed").get<bool>()       ? "  推送时本主体不在受众中：这一版" +
                                                  reach_text(get(v, "reach")) + "，以推送当天的画像为准\n"
                                            : "  这一版还没有推送：等待匹配\n";
    }
    for (const auto& c : v.at("campaigns")) {
        out += "  " + word("campaign") + " " + get(c, "id") + "，" + word("item") + " " +
               list_of(c.at("items")) + "\n";
        for (const auto& d : c.at("deliveries")) add_delivery(out, d);
    }
}

} // namespace

std::string why_text(const json& a) {
    const auto& who = a.at("subject");
    const auto name = get(who, "name");
    std::string out = "主体 " + (name.empty() ? get(who, "id") : name + "（" + get(who, "id") + "）") + "，" +
                      word("role_" + get(who, "type")) + "\n";
    out += "  画像日期 " + (get(who, "as_of").empty() ? std::string("未注明") : get(who, "as_of")) + "，" +
           (who.at("phone").get<bool>() ? "有手机号" : "没有手机号") + "，" +
           (who.at("wechat").get<bool>() ? "已绑定微信" : "未绑定微信") + "，" +
           (who.at("opted_out").get<bool>() ? "本人已退订短信和微信" : "未退订") + "\n";
    out += "政策 " + get(a, "title") + "（" + get(a, "policy") + "，最新为第 " +
           std::to_string(a.at("newest").get<int>()) + " 版，" + get(a, "disclosure") + "）\n";
    out += "以下结论按 " + get(a, "day") + " 判断\n";
    for (const auto& v : a.at("versions")) add_version(out, v);
    return out;
}

} // namespace zhida
