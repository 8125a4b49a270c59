#include "services/gateways/wechat_fields.hpp"

#include "common/base/utf8.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

using text32 = std::u32string;

bool digit(char32_t c) {
    return c >= '0' && c <= '9';
}
bool letter(char32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool han(char32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x323AF) ||
           c == 0x3007;
}
bool ascii_sign(char32_t c) {
    return c > ' ' && c < 0x7F && !digit(c) && !letter(c);
}

bool all(const text32& v, bool (*holds)(char32_t)) {
    return std::all_of(v.begin(), v.end(), holds);
}

bool phrase_ok(const text32& v) {
    return v.size() <= 5 && all(v, han);
}
bool number_ok(const text32& v) {
    return v.size() <= 32 && all(v, [](char32_t c) { return digit(c) || c == '.' || c == '-'; });
}
bool character_string_ok(const text32& v) {
    return v.size() <= 32 && all(v, [](char32_t c) { return c > ' ' && c < 0x7F; });
}
bool amount_ok(const text32& v) { // 1个币种符号+10位以内纯数字，可带小数，结尾可带“元”
    std::size_t at = !v.empty() && !digit(v[0]) ? 1 : 0, digits = 0;
    for (; at < v.size() && (digit(v[at]) || v[at] == '.'); ++at) digits += digit(v[at]);
    if (at < v.size() && v[at] == U'元') ++at;
    return at == v.size() && digits > 0 && digits <= 12;
}
bool phone_number_ok(const text32& v) {
    return v.size() <= 17 && all(v, [](char32_t c) { return digit(c) || ascii_sign(c) || c == ' '; });
}
bool name_ok(const text32& v) {
    return (v.size() <= 10 && all(v, [](char32_t c) { return han(c) || c == U'·'; })) ||
           (v.size() <= 20 && all(v, [](char32_t c) { return letter(c) || ascii_sign(c) || c == ' '; }));
}
bool car_number_ok(const text32& v) {
    if (v.size() > 8) return false;
    for (std::size_t i = 0; i < v.size(); ++i)
        if (!digit(v[i]) && !letter(v[i]) && !(han(v[i]) && (i == 0 || i + 1 == v.size()))) return false;
    return true;
}
// "2026年11月23日", "2026-11-23 21:05", "21:05", a span with ~: digits and the signs between them.
bool time_ok(const text32& v) {
    static constexpr std::u32string_view signs = U"年月日时分秒-/:：~～ .";
    return v.size() <= 40 && std::any_of(v.begin(), v.end(), digit) &&
           all(v, [](char32_t c) { return digit(c) || signs.find(c) != std::u32string_view::npos; });
}

struct rule {
    std::string_view type;
    std::size_t most;
    bool (*holds)(const text32&); // null: any characters
    const char* says;
};
constexpr rule rules[] = {
    {"thing", 20, nullptr, "at most 20 characters"},
    {"const", 20, nullptr, "at most 20 characters"},
    {"phrase", 5, phrase_ok, "at most 5 Han characters and nothing else"},
    {"number", 32, number_ok, "at most 32 digits"},
    {"letter", 32, [](const text32& v) { return all(v, letter); }, "at most 32 letters"},
    {"symbol", 5, [](const text32& v) { return all(v, ascii_sign); }, "at most 5 signs"},
    {"character_string", 32, character_string_ok, "at most 32 digits, letters and signs"},
    {"time", 40, time_ok, "a time such as 2026年11月23日 21:05"},
    {"date", 40, time_ok, "a date such as 2026年11月23日"},
    {"amount", 14, amount_ok, "an amount such as ¥100.00 or 100元"},
    {"phone_number", 17, phone_number_ok, "at most 17 digits and signs"},
    {"car_number", 8, car_number_ok, "a number plate"},
    {"name", 20, name_ok, "at most 10 Han characters or 20 letters"},
};
constexpr rule any_other = {"", 200, nullptr, "at most 200 characters"};

const rule& rule_of(std::string_view key) {
    while (!key.empty() && digit(static_cast<unsigned char>(key.back()))) key.remove_suffix(1);
    for (const auto& r : rules)
        if (r.type == key) return r;
    return any_other;
}

bool decode(std::string_view value, text32& out) {
    for (std::size_t at = 0; at < value.size();) {
        const auto c = next_code_point(value, at);
        if (c == bad_code_point) return false;
        out.push_back(c);
    }
    return true;
}

std::string encode(const text32& v) {
    std::string out;
    for (const auto c : v) append_utf8(out, c);
    return out;
}

std::string fault_of(const rule& r, const text32& v) {
    if (v.empty()) return "is empty";
    if (v.size() > r.most || (r.holds && !r.holds(v))) return std::string("must be ") + r.says;
    if (std::any_of(v.begin(), v.end(), [](char32_t c) { return c < ' '; })) return "has a line break";
    return "";
}

} // namespace

std::string wechat_field_fault(std::string_view key, std::string_view value) {
    text32 v;
    if (!decode(value, v)) return "is not UTF-8";
    return fault_of(rule_of(key), v);
}

result<std::string> fit_wechat_field(std::string_view key, std::string_view value) {
    const auto& r = rule_of(key);
    text32 v;
    if (!decode(value, v)) return failure{errc::invalid, "is not UTF-8", std::string(key), ""};
    for (auto& c : v)
        if (c < ' ') c = ' ';
    while (!v.empty() && v.back() == ' ') v.pop_back();
    v.erase(0, std::min(v.find_first_not_of(U' '), v.size()));
    if (r.type == "phrase") {
        std::erase_if(v, [](char32_t c) { return !han(c); });
        v.resize(std::min<std::size_t>(v.size(), r.most));
    } else if (!r.holds && v.size() > r.most) {
        v.resize(r.most - 1);
        v.push_back(U'…');
    }
    if (auto fault = fault_of(r, v); !fault.empty())
        return failure{errc::invalid, "'" + encode(v) + "' " + fault, std::string(key), ""};
    return encode(v);
}

} // namespace zhida::gateways
