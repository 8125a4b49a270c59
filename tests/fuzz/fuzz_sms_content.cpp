// sms_content.json as somebody has edited it, and the texts that come of it.
#include "common/model/text_links.hpp"
#include "services/dispatcher/sms_message.hpp"

#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& link : zhida::links_in(text)) require(text.find(link.shown) != std::string_view::npos);
    static_cast<void>(zhida::hidden_character(text));
    const auto document = zhida::parse_json(text, {64 << 10, 8});
    if (!document) return 0;
    std::vector<zhida::failure> errors;
    const auto read = zhida::read_sms_content(*document, errors);
    require(read.has_value() == errors.empty());
    if (!read) return 0;
    static_cast<void>(zhida::check_sms_settings(*read, {}));
    const std::string signature = "直达演示";
    for (const auto& t : read->templates) {
        zhida::dispatcher::sms_words words{t.key, {}};
        for (const auto& v : *zhida::sms_variables(t.key)) words.variables.emplace_back(v.name, "甲");
        const auto m = zhida::dispatcher::sms_of({*read, signature}, "宝山区科委", words, false, 20'000);
        require(m.body.parts.has_value() == m.problems.empty());
        // What was read is not wrong by itself, but for its length and its signature's state.
        for (const auto& p : m.problems)
            require(p.of_signature() || p.what == zhida::sms_problem::kind::too_long ||
                    p.what == zhida::sms_problem::kind::link);
    }
    return 0;
}
