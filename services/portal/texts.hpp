// Every word of the pages, in Chinese and English. What departments write (titles, benefits, conditions)
// stays as they wrote it.
#pragma once

#include "common/base/json.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zhida::portal {

enum class language { zh, en };
const char* html_name(language) noexcept; // "zh-CN", "en"

// A key that is not in the table is a bug: std::logic_error names it.
std::string text(language in, std::string_view key);
// With {name} replaced.
std::string text(language in, std::string_view key,
                 std::initializer_list<std::pair<std::string_view, std::string>> values);
// Of the document's fixed vocabulary (级别, 公开属性, 办理方式, 解读的形式); any other text stays as it is.
std::string fixed_word(language in, const std::string& chinese);
// All of them, for templates: {{t.key}}.
const json& texts_model(language in);

struct text_row {
    const char* key;
    const char* zh;
    const char* en;
};
const std::vector<text_row>& text_table();

// 12345 -> "12,345"
std::string with_commas(std::int64_t n);
// 0.1234 -> "12.3%"
std::string percent(double share);

} // namespace zhida::portal
