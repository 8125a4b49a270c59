#include "common/model/profile_rules.hpp"

#include "common/base/utf8.hpp"
#include "common/model/document_reader.hpp"
#include "common/model/wechat_address.hpp"

#include <algorithm>

namespace zhida {

namespace {

bool all_digits(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

failure bad(std::string what, std::string fix) {
    return {errc::invalid, std::move(what), "", std::move(fix)};
}

// One line of text: no control characters, which have no place in a name and would break lines elsewhere.
std::optional<failure> check_line(std::string_view text, const char* what, std::size_t most) {
    if (!valid_utf8(text)) return bad(std::string(what) + " is not UTF-8", "convert it to UTF-8");
    if (characters(text) > most)
        return bad(std::string(what) + " has " + std::to_string(characters(text)) + " characters",
                   "shorten it to " + std::to_string(most));
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }))
        return bad(std::string(what) + " holds a line break or another control character", "remove it");
    return std::nullopt;
}

} // namespace

std::optional<failure> check_id(std::string_view id, subject_type type) {
    if (id.empty()) return bad("id is missing", "give each subject its id");
    if (type == subject_type::enterprise && !valid_uscc(id)) {
        if (id.find("E+") != id.npos || id.find("e+") != id.npos)
            return bad("not a 统一社会信用代码: a spreadsheet has rounded it",
                       "format the column as text before the codes are put in, and export again");
        if (id.size() != 18)
            return bad("not a 统一社会信用代码: " + std::to_string(id.size()) + " characters",
                       "18 characters of 0-9 and A-Z without I, O, S, V, Z");
        std::string upper(id);
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (upper != id && valid_uscc(upper))
            return bad("not a 统一社会信用代码: small letters", "write it in capitals");
        return bad("not a 统一社会信用代码: its check characters do not fit (GB 32100-2015)",
                   "look for a mistyped character; compare with the licence");
    }
    if (!valid_subject_id(id)) return bad("not a subject id", "1 to 24 characters of 0-9, A-Z, a-z and -");
    return std::nullopt;
}

std::optional<failure> check_name(std::string_view name) {
    return check_line(name, "name", max_name);
}
std::optional<failure> check_origin(std::string_view origin) {
    return check_line(origin, "origin", max_origin);
}
std::optional<failure> check_role(std::string_view role) {
    return check_line(role, "role", max_role);
}

// 电信网编号计划（2017年版）: mobile numbers are 1, then 3 to 9, then nine digits.
std::optional<failure> check_phone(std::string_view phone) {
    if (phone.empty()) return std::nullopt;
    if (phone.size() == 11 && all_digits(phone) && phone[0] == '1' && phone[1] >= '3') return std::nullopt;
    return bad("not a mainland mobile number", "11 digits beginning with 13 to 19, without +86 or spaces");
}

std::optional<failure> check_openid(std::string_view openid) {
    if (openid.empty()) return std::nullopt;
    const auto address = parse_wechat_address(openid);
    const bool member = address && address->account == wechat_account::wecom;
    const bool good = address && address->id.size() <= max_openid &&
                      std::all_of(address->id.begin(), address->id.end(), [&](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                 c == '-' || c == '_' || (member && (c == '.' || c == '@'));
                      });
    if (good) return std::nullopt;
    return bad("not a WeChat openid", "at most 64 characters of 0-9, A-Z, a-z, - and _; of a mini-program "
                                      "behind mp:, of a WeCom member behind wecom:");
}

} // namespace zhida
