// A matcher's answer to a check-up: held to its form, and shown.
#include "services/portal/checkup.hpp"
#include "services/portal/views.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace zhida::portal {
namespace {

json answer() {
    std::ifstream in(zhida::tests::in_source("tests/fuzz/corpus/fuzz_checkup/all_three.json"));
    std::ostringstream text;
    text << in.rdbuf();
    return json::parse(text.str());
}

json shown(const json& from, const char* list, language in = language::zh) {
    const auto view = checkup_view(read_checkup(to_text(from)).value(), in);
    for (const auto& one : view.at("lists"))
        if (one.at("name") == list) return one;
    return {};
}

TEST(portal_checkup, an_answer_of_another_form_is_refused_with_its_pointer) {
    EXPECT_TRUE(read_checkup(to_text(answer())));
    const auto refused = [](const char* pointer, const json& value) {
        auto changed = answer();
        changed[json::json_pointer(pointer)] = value;
        const auto read = read_checkup(to_text(changed));
        return read ? std::string("accepted") : read.error().where;
    };
    EXPECT_EQ(refused("/day", "today"), "/day");
    EXPECT_EQ(refused("/eligible", json::array()), "/eligible");
    EXPECT_EQ(refused("/possible/total", -1), "/possible/total");
    EXPECT_EQ(refused("/possible/items/0/why/0/parts", 1), "/possible/items/0/why/0/parts");
    EXPECT_EQ(refused("/possible/items/1/why/0/parts/0/manual", "no"),
              "/possible/items/1/why/0/parts/0/manual");
    EXPECT_EQ(refused("/one_short/items/0/short_of", 3), "/one_short/items/0/short_of");
    EXPECT_EQ(refused("/one_short/items/0/deadline/days", "3"), "/one_short/items/0/deadline/days");
    EXPECT_EQ(refused("/one_short/items/0/policy/title", 7), "/one_short/items/0/policy/title");
    EXPECT_FALSE(read_checkup("[]"));
    EXPECT_FALSE(read_checkup("<html>"));
}

TEST(portal_checkup, the_page_says_what_is_missing_and_what_is_not_met) {
    const auto possible = shown(answer(), "possible");
    EXPECT_EQ(possible.at("total"), "60");
    EXPECT_EQ(possible.at("capped"), "共 60 项，以下是排在最前的 2 项。");
    const auto& by_hand = possible.at("entries").at(0);
    EXPECT_EQ(by_hand.at("by_hand"), json::array({"现场核查"}));
    EXPECT_EQ(by_hand.at("counts"), "1 条符合 · 1 条待定");
    const auto& open = possible.at("entries").at(1);
    EXPECT_EQ(open.at("missing").at(0).at("label"), "企业规模");
    EXPECT_EQ(open.at("missing").at(0).at("from"), "（按指标计算）");
    EXPECT_EQ(open.at("has_missing"), true);

    const auto nearly = shown(answer(), "one_short");
    EXPECT_EQ(nearly.at("capped"), false);
    const auto& line = nearly.at("entries").at(0).at("short").at("why").at(0);
    EXPECT_EQ(line.at("value"), "800 人");
    EXPECT_EQ(line.at("requirement"), "≤ 300 人");
    EXPECT_EQ(line.at("mark"), "not-met");
    const auto& long_one = nearly.at("entries").at(1);
    EXPECT_EQ(long_one.at("left_out"), true);
    EXPECT_EQ(long_one.at("short"), false);
    EXPECT_EQ(shown(answer(), "possible", language::en).at("entries").at(1).at("missing").at(0).at("label"),
              "Size");
}

} // namespace
} // namespace zhida::portal
