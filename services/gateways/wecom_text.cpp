#include "services/gateways/wecom_text.hpp"

#include "common/base/json.hpp"
#include "common/base/utf8.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

bool letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A card's description is a little HTML: what a policy says must not become a part of it.
std::string card_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<')
            out += "＜";
        else if (c == '>')
            out += "＞";
        else if (c == '\n')
            out += "<br>";
        else
            out += c;
    }
    return out;
}

// The same cut as cut_to_bytes, of the text behind the markup.
std::string card_description(std::string_view text) {
    auto keep = text.size();
    auto out = card_text(text);
    while (out.size() > most_wecom_description) {
        keep -= std::min(keep, out.size() - most_wecom_description);
        out = card_text(cut_to_bytes(text, keep));
    }
    return out;
}

} // namespace

std::string cut_to_bytes(std::string_view text, std::size_t bytes) {
    constexpr std::string_view more = "…";
    text = text.substr(0, valid_utf8_prefix(text));
    if (text.size() <= bytes) return std::string(text);
    if (bytes < more.size()) return "";
    auto end = bytes - more.size();
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end)).append(more);
}

bool valid_userid(std::string_view userid) noexcept {
    return !userid.empty() && userid.size() <= 64 && letter_or_digit(userid.front()) &&
           std::all_of(userid.begin(), userid.end(), [](char c) {
               return letter_or_digit(c) || c == '_' || c == '-' || c == '@' || c == '.';
           });
}

std::string folded_userid(std::string_view userid) {
    std::string out(userid);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string wecom_body(const wecom_text& text, const std::vector<std::string>& userids,
                       std::int64_t agentid) {
    std::string to;
    for (const auto& id : userids) to += (to.empty() ? "" : "|") + id;
    json body = {{"touser", std::move(to)},
                 {"agentid", agentid},
                 {"enable_duplicate_check", 1},
                 {"duplicate_check_interval", duplicate_check_s}};
    if (text.url.empty()) {
        body["msgtype"] = "text";
        const auto between = text.title.empty() || text.description.empty() ? "" : "\n";
        body["text"] = {{"content", cut_to_bytes(text.title + between + text.description, most_wecom_text)}};
    } else {
        body["msgtype"] = "textcard";
        body["textcard"] = {{"title", cut_to_bytes(text.title, most_wecom_title)},
                            {"description", card_description(text.description)},
                            {"url", text.url},
                            {"btntxt", "详情"}};
    }
    return to_text(body);
}

} // namespace zhida::gateways
