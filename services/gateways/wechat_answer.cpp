#include "services/gateways/wechat_answer.hpp"

#include "services/gateways/cloud_entry.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace zhida::gateways {

namespace {

constexpr std::size_t most_errmsg = 512, most_msgid = 64, most_rid = 64, most_token = 4096;

// A whole number, or a text of one: proxies and old interfaces give texts.
std::optional<std::int64_t> whole_number(const json& value) {
    if (value.is_number_unsigned()) {
        const auto n = value.get<std::uint64_t>();
        if (n > std::uint64_t(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
        return static_cast<std::int64_t>(n);
    }
    if (value.is_number_integer()) return value.get<std::int64_t>();
    const auto* text = value.get_ptr<const std::string*>();
    if (!text) return std::nullopt;
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), n);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return n;
}

bool visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string rid_in(std::string_view errmsg) {
    const auto mark = errmsg.rfind("rid:");
    if (mark == std::string_view::npos) return "";
    auto rest = errmsg.substr(mark + 4);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const auto end = std::find_if_not(rest.begin(), rest.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    const auto length = static_cast<std::size_t>(end - rest.begin());
    return length > most_rid ? "" : std::string(rest.substr(0, length));
}

failure wrong(std::string what, std::string where = "/") {
    return {errc::invalid, std::move(what), std::move(where), "a proxy in between may have answered"};
}

} // namespace

result<wechat_answer> read_wechat_answer(std::string_view body) {
    auto read = parse_pushed(body);
    if (!read) return wrong(read.error().what);
    if (!read->is_object()) return wrong("no JSON object");
    wechat_answer a;
    if (const auto found = read->find("errcode"); found != read->end()) {
        const auto code = whole_number(*found);
        if (!code) return wrong("is no whole number", "/errcode");
        a.errcode = *code;
    }
    std::vector<failure> errors;
    json_reader in(*read, "", errors);
    if (in.has("errmsg") && in["errmsg"].value().is_string())
        a.errmsg = text_if_any(in, "errmsg", most_errmsg);
    a.rid = rid_in(a.errmsg);
    // An integer of up to 64 bits stays exact; what is larger was read as a double and is no id any more.
    a.msgid = text_if_any(in, "msgid", most_msgid + 1);
    if (a.msgid.size() > most_msgid || !visible(a.msgid)) a.msgid.clear();
    a.body = std::move(*read);
    return ok(std::move(a));
}

result<wechat_token> read_token_answer(const wechat_answer& answer, wall_time now) {
    if (answer.errcode != 0)
        return failure{errc::refused, "errcode " + std::to_string(answer.errcode) + " " + answer.errmsg, "/",
                       ""};
    wechat_token t;
    const auto member = [&](const char* name) {
        const auto found = answer.body.find(name);
        return found == answer.body.end() ? json() : *found;
    };
    const auto token = member("access_token");
    if (const auto* text = token.get_ptr<const std::string*>()) t.value = *text;
    if (t.value.empty() || t.value.size() > most_token || !visible(t.value))
        return wrong("is no token of 1 to " + std::to_string(most_token) + " printable characters",
                     "/access_token");
    const auto lives = whole_number(member("expires_in"));
    if (!lives || *lives < 1 || *lives > 86'400) return wrong("is not 1 to 86400 seconds", "/expires_in");
    return fetched_token(std::move(t.value), now, milliseconds(1000 * *lives));
}

} // namespace zhida::gateways
