#include "services/gateways/wecom_answer.hpp"

#include "services/gateways/wecom_text.hpp"

namespace zhida::gateways {

namespace {

std::set<std::string> folded_list(const std::string& joined) {
    std::set<std::string> out;
    for (std::size_t at = 0; at <= joined.size();) {
        const auto end = std::min(joined.find('|', at), joined.size());
        if (end > at) out.insert(folded_userid(std::string_view(joined).substr(at, end - at)));
        at = end + 1;
    }
    return out;
}

std::string without(std::string text, const std::vector<std::string>& secrets) {
    for (const auto& secret : secrets) {
        if (secret.empty()) continue;
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
            text.replace(at, secret.size(), "***");
    }
    return text;
}

} // namespace

result<wecom_answer> read_wecom_answer(const io::http_reply& reply, const std::vector<std::string>& secrets) {
    constexpr std::size_t most_words = 300, most_list = 128 * 1024;
    const auto body = parse_json(reply.body);
    if (!body || !body->is_object())
        return failure{errc::invalid,
                       "HTTP " + std::to_string(reply.status) + " with a body that is no JSON object", "",
                       "a proxy in between may have answered"};
    wecom_answer a;
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    a.errcode = in.integer("errcode", true, INT32_MIN, INT32_MAX).value_or(0);
    a.errmsg = cut_to_bytes(without(in.text("errmsg", false, most_list).value_or(""), secrets), most_words);
    a.msgid = in.text("msgid", false).value_or("");
    a.invalid = folded_list(in.text("invaliduser", false, most_list).value_or(""));
    a.unlicensed = folded_list(in.text("unlicenseduser", false, most_list).value_or(""));
    a.access_token = in.text("access_token", false).value_or("");
    a.expires_in = in.integer("expires_in", false, 0, 86'400).value_or(0);
    if (!errors.empty()) return errors.front();
    return a;
}

} // namespace zhida::gateways
