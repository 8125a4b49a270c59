#include "matching/policy_check.hpp"
#include "services/commands.hpp"
#include "services/publishing.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/json_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <sstream>

namespace zhida {
namespace {

using testing::HasSubstr;

const matching::catalogue& shared_catalogue() {
    static const auto loaded = matching::catalogue::load(tests::config_path("catalogue")).value();
    return loaded;
}

json sample() {
    return tests::config_file("samples/policies/BS-102.json");
}

// pointer -> what and fix
std::map<std::string, std::string> complaints(const std::function<void(json&)>& breakage) {
    auto document = sample();
    breakage(document);
    std::vector<failure> errors;
    const auto checked = matching::check_policy(document, shared_catalogue(), errors);
    EXPECT_EQ(checked.has_value(), errors.empty());
    if (!checked && !errors.empty()) {
        EXPECT_EQ(checked.error().where, errors[0].where);
    }
    std::map<std::string, std::string> out;
    for (const auto& e : errors) out[e.where] = e.what + " | " + e.fix;
    return out;
}

std::string only_complaint_at(const std::string& pointer, const std::function<void(json&)>& breakage) {
    const auto all = complaints(breakage);
    EXPECT_EQ(all.size(), 1U);
    EXPECT_TRUE(all.contains(pointer)) << (all.empty() ? "no complaint" : all.begin()->first);
    return all.contains(pointer) ? all.at(pointer) : "";
}

TEST(policy_check, a_good_document_gives_its_conditions) {
    std::vector<failure> errors;
    const auto checked = matching::check_policy(sample(), shared_catalogue(), errors);
    ASSERT_TRUE(checked.has_value());
    EXPECT_TRUE(errors.empty());
    ASSERT_EQ(checked->conditions.size(), 1U);
    EXPECT_TRUE(checked->conditions[0].has_manual());
}

TEST(policy_check, an_unknown_region_names_its_neighbours) {
    const auto why = only_complaint_at("/region", [](json& d) { d["region"] = "310131"; });
    EXPECT_THAT(why, HasSubstr("310131"));
    EXPECT_THAT(why, HasSubstr("near it: "));
}

TEST(policy_check, windows_must_run_forward_and_hold_their_stages) {
    EXPECT_THAT(
        only_complaint_at("/valid/end",
                          [](json& d) { d["valid"] = {{"start", "2022-02-01"}, {"end", "2022-01-31"}}; }),
        HasSubstr("ends before it starts"));
    EXPECT_THAT(
        only_complaint_at("/items/0/window/stages/1/end",
                          [](json& d) { d["items"][0]["window"]["stages"][1]["end"] = "2022-08-16"; }),
        HasSubstr("outside the window"));
    EXPECT_THAT(
        only_complaint_at("/items/0/window/stages/0/start",
                          [](json& d) { d["items"][0]["window"]["stages"][0]["start"] = "2022-06-08"; }),
        HasSubstr("2022-06-09 to 2022-08-15"));
    EXPECT_THAT(only_complaint_at("/items/0/window/stages/0/end",
                                  [](json& d) {
                                      d["items"][0]["window"]["stages"][0]["start"] = "2022-06-12";
                                      d["items"][0]["window"]["stages"][0]["end"] = "2022-06-11";
                                  }),
                HasSubstr("ends before it starts"));
    // One day is a window.
    EXPECT_TRUE(
        complaints([](json& d) { d["valid"] = {{"start", "2022-02-01"}, {"end", "2022-02-01"}}; }).empty());
}

TEST(policy_check, reminders_count_from_dates_that_such_subjects_have) {
    const auto reminders = [](const char* text) {
        return [text](json& d) { d["items"][0]["reminders"] = json::parse(text); };
    };
    EXPECT_TRUE(complaints(reminders(R"({"expires_from": {"attribute": "person.discharge_date"}})")).empty());
    EXPECT_THAT(
        only_complaint_at("/items/0/reminders/within_days_of/attribute",
                          reminders(R"({"within_days_of": {"attribute": "ent.established", "days": 90}})")),
        HasSubstr("person.birth_date"));
    EXPECT_THAT(only_complaint_at("/items/0/reminders/expires_from/attribute",
                                  reminders(R"({"expires_from": {"attribute": "person.sex"}})")),
                HasSubstr("is not a date"));
    EXPECT_THAT(only_complaint_at("/items/0/reminders/monthly/to_day",
                                  reminders(R"({"monthly": {"from_day": 16, "to_day": 15}})")),
                HasSubstr("from_day is 16"));
}

TEST(policy_check, item_ids_are_unique) {
    EXPECT_THAT(only_complaint_at("/items/1/id", [](json& d) { d["items"].push_back(d["items"][0]); }),
                HasSubstr("already the id of /items/0"));
}

TEST(policy_check, labels_name_conditions_that_exist) {
    EXPECT_THAT(only_complaint_at("/items/0/labels/~1args~17",
                                  [](json& d) { d["items"][0]["labels"]["/args/7"] = {{"text", "x"}}; }),
                HasSubstr("/args/0, /args/0/args/0, /args/0/args/1"));
    // A value is not a condition.
    EXPECT_FALSE(
        complaints([](json& d) { d["items"][0]["labels"]["/args/2/args/1"] = {{"text", "x"}}; }).empty());
    EXPECT_TRUE(complaints([](json& d) {
                    d["items"][0]["labels"][""] = d["items"][0]["labels"]["/args/1"] = {{"text", "x"}};
                }).empty());
}

TEST(policy_check, conditions_are_compiled_with_their_place_in_the_document) {
    EXPECT_THAT(only_complaint_at("/items/0/eligibility/args/2/args/0",
                                  [](json& d) {
                                      d["items"][0]["eligibility"]["args"][2]["args"][0]["property"] =
                                          "person.residence";
                                  }),
                HasSubstr("person.residence_division"));
}

TEST(policy_check, form_and_conditions_are_reported_together) {
    const auto all = complaints([](json& d) {
        d["title"] = "";
        d["items"][0]["eligibility"]["args"][2]["args"][0]["property"] = "person.residence";
    });
    EXPECT_TRUE(all.contains("/title"));
    EXPECT_TRUE(all.contains("/items/0/eligibility/args/2/args/0"));
}

TEST(policy_check, another_schema_version_says_nothing_else) {
    const auto all = complaints([](json& d) {
        d["schema"] = "zhida.policy/9";
        d["items"][0]["eligibility"] = {{"op", "?"}};
    });
    EXPECT_EQ(all.size(), 1U);
    EXPECT_TRUE(all.contains("/schema"));
}

// The command, as it is called.
class policy_check_command : public testing::Test {
  protected:
    void SetUp() override {
        folder_ =
            std::filesystem::temp_directory_path() / ("zhida-policy-check-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& bytes) const {
        const auto path = (folder_ / name).string();
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }
    int run(const std::vector<std::string>& files, bool as_json = false) {
        commands::options o;
        o.settings.node.config_dir = zhida::tests::in_source("config");
        o.json = as_json;
        std::ostringstream out, err;
        auto* old_out = std::cout.rdbuf(out.rdbuf());
        auto* old_err = std::cerr.rdbuf(err.rdbuf());
        const int code = commands::policy_check(o, files);
        std::cout.rdbuf(old_out);
        std::cerr.rdbuf(old_err);
        out_ = out.str();
        err_ = err.str();
        return code;
    }

    std::filesystem::path folder_;
    std::string out_, err_;
};

TEST_F(policy_check_command, says_ok_for_every_sample) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(tests::config_path("samples/policies")))
        files.push_back(entry.path().string());
    EXPECT_EQ(run(files), 0) << out_;
    EXPECT_THAT(out_, HasSubstr("BS-102.json: ok: BS-102 2022年宝山区适龄幼儿入园, 1 item\n"));
}

TEST_F(policy_check_command, prints_file_pointer_what_and_fix) {
    auto document = sample();
    document["disclosure"] = "公开";
    const auto file = write("坏.json", document.dump());
    EXPECT_EQ(run({file}), 1);
    EXPECT_EQ(out_,
              file + ": /disclosure: '公开' is not allowed here (one of: 主动公开, 依申请公开, 不予公开)\n");
}

TEST_F(policy_check_command, answers_in_json) {
    auto document = sample();
    document.erase("title");
    const auto bad = write("bad.json", document.dump()), good = write("good.json", sample().dump());
    EXPECT_EQ(run({bad, good}, true), 1);
    const auto answer = parse_json(out_).value();
    EXPECT_EQ(answer["ok"], false);
    ASSERT_EQ(answer["files"].size(), 2U);
    EXPECT_EQ(answer["files"][0]["file"], bad);
    EXPECT_EQ(answer["files"][0]["ok"], false);
    EXPECT_EQ(answer["files"][0]["errors"][0],
              (json{{"pointer", "/title"}, {"what", "is missing"}, {"fix", "add it"}}));
    EXPECT_EQ(answer["files"][1]["ok"], true);
    EXPECT_EQ(answer["files"][1]["id"], "BS-102");
    EXPECT_EQ(answer["files"][1]["items"], 1);
    EXPECT_TRUE(answer["files"][1]["errors"].empty());
}

TEST_F(policy_check_command, hostile_files_get_one_clear_error) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "is empty"},
        {" \n\t", "is empty"},
        {std::string("PK\x03\x04\0\0", 6), "is not a text"},
        {"{\"title\":\"\xb1\xa6\xc9\xbd\"}", "is not UTF-8 (byte 11)"},
        {std::string((1 << 20) + 1, ' '), "is larger than 1 MiB"},
        {std::string(100000, '['), "nested deeper"},
        {"{\"schema\":\"zhida.policy/1\"", "not valid JSON"},
        {"[]", "must be an object"},
        {"{\"a\":1,\"a\":2}", "key given twice"},
    };
    for (const auto& [bytes, what] : cases) {
        EXPECT_EQ(run({write("x.json", bytes)}), 1) << what;
        EXPECT_THAT(out_, HasSubstr(what));
        EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1) << out_;
    }
}

TEST_F(policy_check_command, what_cannot_be_read_is_wrong_usage) {
    EXPECT_EQ(run({}), 2);
    EXPECT_THAT(err_, HasSubstr("standard input"));
    EXPECT_EQ(run({(folder_ / "missing.json").string(), write("good.json", sample().dump())}), 2);
    EXPECT_THAT(out_, HasSubstr("No such file"));
    EXPECT_THAT(out_, HasSubstr("good.json: ok"));
    EXPECT_EQ(run({folder_.string()}), 2);
    EXPECT_THAT(out_, HasSubstr("is a folder"));
}

TEST_F(policy_check_command, a_document_cannot_steer_the_terminal) {
    auto document = sample();
    document["\x1b[31m"] = 1;
    EXPECT_EQ(run({write("x.json", document.dump())}), 1);
    EXPECT_EQ(out_.find('\x1b'), std::string::npos);
    EXPECT_THAT(out_, HasSubstr("\\x1b[31m"));
}

TEST(publishing, a_version_is_published_once) {
    const auto changed = [](int version, const char* title) {
        auto document = sample();
        document["version"] = version;
        document["title"] = title;
        return document;
    };
    const store::stored_policy held{changed(2, "甲"), 2};
    const auto published = [&](const json& document) {
        std::vector<failure> errors;
        const auto checked = matching::check_policy(document, shared_catalogue(), errors).value();
        return repeats(held, checked.document, document);
    };
    EXPECT_TRUE(published(changed(2, "甲")).value());
    EXPECT_FALSE(published(changed(3, "甲")).value());
    for (const auto& taken : {changed(2, "乙"), changed(1, "甲")}) {
        const auto refused = published(taken);
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code, errc::conflict);
        EXPECT_EQ(refused.error().fix, "若是新政策，请改 id；若是更新，请把 version 改为 3");
    }
}

TEST_F(policy_check_command, reads_standard_input) {
    std::istringstream in(sample().dump());
    auto* old_in = std::cin.rdbuf(in.rdbuf());
    const int code = run({"-"});
    std::cin.rdbuf(old_in);
    std::cin.clear();
    EXPECT_EQ(code, 0);
    EXPECT_THAT(out_, HasSubstr("standard input: ok"));
}

} // namespace
} // namespace zhida
