#include "services/portal/texts.hpp"

#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>

namespace zhida::portal {

const char* html_name(language in) noexcept {
    return in == language::en ? "en" : "zh-CN";
}

std::string text(language in, std::string_view key) {
    static const auto index = [] {
        std::map<std::string_view, const text_row*> all;
        for (const auto& row : text_table())
            if (!all.emplace(row.key, &row).second)
                throw std::logic_error(std::string("text given twice: ") + row.key);
        return all;
    }();
    const auto found = index.find(key);
    if (found == index.end()) throw std::logic_error("no text for " + std::string(key));
    return in == language::en ? found->second->en : found->second->zh;
}

std::string text(language in, std::string_view key,
                 std::initializer_list<std::pair<std::string_view, std::string>> values) {
    // One pass, so that a value that looks like a placeholder stays as it is.
    const auto pattern = text(in, key);
    std::string out;
    std::size_t at = 0;
    while (at < pattern.size()) {
        const auto open = pattern.find('{', at);
        out += pattern.substr(at, open == std::string::npos ? open : open - at);
        if (open == std::string::npos) break;
        const auto close = pattern.find('}', open);
        const auto name = std::string_view(pattern).substr(open + 1, close - open - 1);
        bool known = false;
        for (const auto& [n, value] : values)
            if (n == name) {
                out += value;
                known = true;
            }
        if (!known) throw std::logic_error("no value for {" + std::string(name) + "} of " + std::string(key));
        at = close + 1;
    }
    return out;
}

std::string fixed_word(language in, const std::string& chinese) {
    static constexpr std::pair<const char*, const char*> words[] = {
        {"国", "National"},
        {"省", "Province"},
        {"市", "City"},
        {"区", "District"},
        {"街镇", "Town"},
        {"园区", "Park"},
        {"主动公开", "Public"},
        {"依申请公开", "On request"},
        {"不予公开", "Not disclosed"},
        {"申请享受", "On application"},
        {"免申即享", "Granted without applying"},
        {"直接享受", "Granted directly"},
        {"文字", "Text"},
        {"图解", "Diagram"},
        {"视频", "Video"},
        {"问答", "Questions"},
    };
    if (in == language::en)
        for (const auto& [from, to] : words)
            if (chinese == from) return to;
    return chinese;
}

const json& texts_model(language in) {
    const auto build = [](language l) {
        json out = json::object();
        for (const auto& row : text_table()) out[row.key] = l == language::en ? row.en : row.zh;
        return out;
    };
    static const json zh = build(language::zh), en = build(language::en);
    return in == language::en ? en : zh;
}

std::string with_commas(std::int64_t n) {
    auto digits = std::to_string(n);
    const std::size_t first = n < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string percent(double share) {
    char out[32];
    std::snprintf(out, sizeof out, "%.1f%%", share * 100);
    return out;
}

} // namespace zhida::portal
