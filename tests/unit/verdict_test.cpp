// Verdicts written by hand from the policies' own words (tests/data/verdicts), against the sample documents.
#include "common/base/clock.hpp"
#include "matching/policy_check.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>

#include <set>

namespace zhida::matching {
namespace {

const catalogue& shared_catalogue() {
    static const catalogue loaded = catalogue::load(tests::config_path("catalogue")).value();
    return loaded;
}

attribute_row row_of(const json& attributes, subject_type subject) {
    attribute_row row;
    for (const auto& [name, value] : attributes.items()) {
        const auto* a = shared_catalogue().find(name);
        if (!a || a->subject != subject) {
            ADD_FAILURE() << name << " is not an attribute of " << to_string(subject);
            continue;
        }
        const auto coded = shared_catalogue().encode(*a, value);
        if (!coded)
            ADD_FAILURE() << name << ": " << coded.error().text();
        else
            row.set(a->number, *coded);
    }
    return row;
}

checked_policy sample(const std::string& id) {
    std::vector<failure> errors;
    auto checked =
        check_policy(tests::config_file("samples/policies/" + id + ".json"), shared_catalogue(), errors);
    std::string all;
    for (const auto& e : errors) all += e.text() + "\n";
    if (!checked) throw std::runtime_error(id + " does not pass the check:\n" + all);
    return std::move(*checked);
}

TEST(sample_policies, every_one_passes_the_check) {
    const auto files = tests::json_files(tests::config_path("samples/policies"));
    ASSERT_EQ(files.size(), 30U);
    for (const auto& [file, document] : files) {
        std::vector<failure> errors;
        const auto checked = check_policy(document, shared_catalogue(), errors);
        for (const auto& e : errors) ADD_FAILURE() << file << ": " << e.text();
        ASSERT_TRUE(checked.has_value()) << file;
        EXPECT_EQ(checked->conditions.size(), checked->document.items.size()) << file;
    }
}

TEST(sample_policies, every_top_level_condition_has_the_source_s_words) {
    for (const auto& [file, document] : tests::json_files(tests::config_path("samples/policies"))) {
        const auto checked = sample(document["id"].get<std::string>());
        for (std::size_t i = 0; i < checked.conditions.size(); ++i) {
            const auto& root = checked.conditions[i].root();
            ASSERT_EQ(root.what, op::all_of) << file;
            for (const auto& child : root.children)
                EXPECT_TRUE(checked.document.items[i].labels.contains(child.pointer))
                    << file << child.pointer;
        }
    }
}

TEST(verdicts, are_what_the_policies_say) {
    std::set<std::string> policies, outcomes;
    for (const auto& [file, expected] : tests::json_files(zhida::tests::in_source("tests/data/verdicts"))) {
        const auto id = expected["policy"].get<std::string>();
        policies.insert(id);
        const auto checked = sample(id);
        std::int32_t today = 0;
        ASSERT_TRUE(parse_date(expected["today"].get_ref<const std::string&>(), today)) << file;
        for (const auto& each : expected["cases"]) {
            const auto text = id + ": " + each["why"].get<std::string>();
            const auto* item = checked.document.find_item(each["item"].get<std::string>());
            ASSERT_NE(item, nullptr) << text;
            const auto& condition =
                checked.conditions[static_cast<std::size_t>(item - checked.document.items.data())];
            const auto row = row_of(each["attributes"], item->subject);
            const auto j = judge(condition, row, today);
            EXPECT_EQ(to_string(j.outcome), each["verdict"].get<std::string>()) << text;
            if (each.contains("only_manual")) {
                EXPECT_EQ(j.only_manual_open, each["only_manual"].get<bool>()) << text;
            }
            if (each.contains("one_short")) {
                EXPECT_EQ(j.one_short, each["one_short"].get<bool>()) << text;
            }
            outcomes.insert(to_string(j.outcome));
        }
    }
    EXPECT_GE(policies.size(), 12U);
    EXPECT_EQ(outcomes.size(), 3U);
}

} // namespace
} // namespace zhida::matching
