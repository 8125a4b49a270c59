#include "services/simulator/wecom_message.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

constexpr std::size_t most_members = 1000, robot_text = 2048, robot_markdown = 4096;
constexpr std::size_t card_title = 128, card_text = 512, card_url = 2048;
constexpr std::int64_t longest_duplicate_s = 4 * 3600;

std::string text_of(const json& body, const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('|', at), text.size());
        if (end > at) out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

std::size_t characters(const std::string& utf8) {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The object named like msgtype.
wecom_refusal read_content(const json& body, std::initializer_list<const char*> types, wecom_message& out) {
    out.msgtype = text_of(body, "msgtype");
    bool known = false;
    for (const char* type : types) known = known || out.msgtype == type;
    if (!known) return {40008, "invalid message type"};
    const auto found = body.find(out.msgtype);
    if (found == body.end() || !found->is_object()) return {40058, out.msgtype + " missing or not an object"};
    out.content = *found;
    return {};
}

wecom_refusal card_fault(const json& card) {
    for (const char* name : {"title", "description", "url"})
        if (text_of(card, name).empty()) return {40058, std::string("textcard.") + name + " missing"};
    const auto long_title = characters(text_of(card, "title")) > card_title;
    if (long_title || characters(text_of(card, "description")) > card_text ||
        text_of(card, "url").size() > card_url)
        return {40058, std::string("textcard.") + (long_title ? "title" : "description or url") +
                           " exceeds its length"};
    return {};
}

} // namespace

std::string lower_case(std::string text) {
    for (auto& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

wecom_refusal read_application_message(const json& body, std::int64_t agentid, wecom_message& out) {
    const auto agent = body.find("agentid");
    if (agent == body.end() || !agent->is_number_integer()) return {41011, "missing agentid"};
    if (agent->get<std::int64_t>() != agentid) return {40056, "invalid agentid"};
    out.members = split(text_of(body, "touser"));
    if (out.members.empty()) return {40035, "touser, toparty and totag are all empty"};
    if (out.members.size() > most_members) return {40032, "invalid userid list length"};
    if (auto no = read_content(body, {"text", "textcard", "markdown"}, out); no.errcode != 0) return no;
    if (out.msgtype == "textcard") {
        if (auto no = card_fault(out.content); no.errcode != 0) return no;
    } else if (text_of(out.content, "content").empty()) {
        return {44004, "empty content"};
    }
    const auto check = body.find("enable_duplicate_check");
    out.check_duplicate = check != body.end() && check->is_number_integer() && *check == 1;
    const auto interval = body.find("duplicate_check_interval");
    if (interval != body.end()) {
        if (!interval->is_number_integer() || interval->get<std::int64_t>() < 0 ||
            interval->get<std::int64_t>() > longest_duplicate_s)
            return {40058, "duplicate_check_interval exceeds its range"};
        out.duplicate_s = interval->get<std::int64_t>();
    }
    return {};
}

wecom_refusal read_robot_message(const json& body, wecom_message& out) {
    if (auto no = read_content(body, {"text", "markdown"}, out); no.errcode != 0) return no;
    const auto content = text_of(out.content, "content");
    if (content.empty()) return {44004, "empty content"};
    const auto most = out.msgtype == "text" ? robot_text : robot_markdown;
    if (content.size() > most)
        return {40058, out.msgtype + ".content exceed max length " + std::to_string(most)};
    for (const char* name : {"mentioned_list", "mentioned_mobile_list"})
        if (const auto list = out.content.find(name); list != out.content.end() && !list->is_array())
            return {40058, std::string("text.") + name + " is not a list"};
    return {};
}

} // namespace zhida::simulator
