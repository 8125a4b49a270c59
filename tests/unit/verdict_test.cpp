// Verdicts written by hand from the policies' own words (tests/data/verdicts), against the sample documents:
// by judge(), by the scan of columns and by the reverse index.
#include "matching/policy_check.hpp"
#include "matching/profile_document.hpp"
#include "matching/reverse.hpp"
#include "matching/scan.hpp"
#include "matching_support.hpp"
#include "tests/support/json_files.hpp"

#include <map>
#include <set>

namespace zhida::matching {
namespace {

// As a register's document would be read: an enterprise gets the size class that its indicators give.
attribute_row row_of(const json& attributes, subject_type subject) {
    profile p;
    p.type = subject;
    auto& row = p.attributes;
    for (const auto& [name, value] : attributes.items()) {
        const auto* a = the_catalogue().find(name);
        if (!a || a->subject != subject) {
            ADD_FAILURE() << name << " is not an attribute of " << to_string(subject);
            continue;
        }
        const auto coded = the_catalogue().encode(*a, value);
        if (!coded)
            ADD_FAILURE() << name << ": " << coded.error().text();
        else
            row.set(a->number, *coded);
    }
    add_size(p, the_catalogue());
    EXPECT_FALSE(size_differs(p, the_catalogue())) << attributes.dump();
    return row;
}

checked_policy sample(const std::string& id) {
    std::vector<failure> errors;
    auto checked =
        check_policy(tests::config_file("samples/policies/" + id + ".json"), the_catalogue(), errors);
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
        const auto checked = check_policy(document, the_catalogue(), errors);
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

struct sample_subject {
    std::string id;
    attribute_row row;
};

std::vector<sample_subject> read_subjects(subject_type type) {
    const auto file = tests::read_json_file(tests::in_source("tests/data/verdict_subjects.json"));
    std::vector<sample_subject> out;
    for (const auto& each : file[to_string(type)])
        out.push_back({each["id"].get<std::string>(), row_of(each["attributes"], type)});
    return out;
}

// Twenty of each type, whom no register knows.
const std::vector<sample_subject>& subjects_of(subject_type type) {
    static const auto enterprises = read_subjects(subject_type::enterprise);
    static const auto residents = read_subjects(subject_type::resident);
    return type == subject_type::enterprise ? enterprises : residents;
}

// What was written by hand for one row. Some of the older ones say nothing of the flags.
struct expectation {
    std::string outcome;
    std::optional<bool> only_manual, one_short;
    std::string why;
};

// One item on one day, and the rows that it was judged for.
struct sheet {
    std::string item; // "BS-009/2"
    condition asked;
    std::int32_t today = 0;
    std::size_t subjects = 0; // the first rows are sample subjects, the others single cases
    std::vector<attribute_row> rows;
    std::vector<expectation> expected; // of each row
};

void check(const sheet& s, std::size_t i, const judgement& j, const std::string& how) {
    const auto& e = s.expected[i];
    const auto text = s.item + " " + e.why + " (" + how + ")";
    EXPECT_EQ(to_string(j.outcome), e.outcome) << text;
    if (e.only_manual) {
        EXPECT_EQ(j.only_manual_open, *e.only_manual) << text;
    }
    if (e.one_short) {
        EXPECT_EQ(j.one_short, *e.one_short) << text;
    }
}

// ["possible", "only_manual", "why"], ["ineligible", "one_short", "why"], or without the flag.
expectation read_verdict(const json& written, const std::string& who) {
    const auto flag = written.size() == 3 ? written[1].get<std::string>() : "";
    EXPECT_TRUE(written.size() == 2 || flag == "only_manual" || flag == "one_short") << who << written.dump();
    return {written.front().get<std::string>(), flag == "only_manual", flag == "one_short",
            who + ": " + written.back().get<std::string>()};
}

// The table of one item. Whoever has no verdict in it is a failure, and so is a verdict of nobody.
void add_table(sheet& s, const json& written) {
    auto left = written.get<std::map<std::string, json>>();
    for (const auto& subject : subjects_of(s.asked.subject())) {
        const auto found = left.find(subject.id);
        if (found == left.end()) {
            ADD_FAILURE() << s.item << " has no verdict for " << subject.id;
            continue;
        }
        s.rows.push_back(subject.row);
        s.expected.push_back(read_verdict(found->second, subject.id));
        left.erase(found);
        ++s.subjects;
    }
    for (const auto& [id, unused] : left) ADD_FAILURE() << s.item << " judges " << id << ", who is not there";
}

// Single rows, written for one point each.
void add_cases(sheet& s, const std::string& item, const json& cases) {
    const auto flag = [](const json& each, const char* name) {
        return each.contains(name) ? std::optional(each[name].get<bool>()) : std::nullopt;
    };
    for (const auto& each : cases) {
        if (each["item"] != item) continue;
        s.rows.push_back(row_of(each["attributes"], s.asked.subject()));
        s.expected.push_back({each["verdict"].get<std::string>(), flag(each, "only_manual"),
                              flag(each, "one_short"), each["why"].get<std::string>()});
    }
}

std::vector<sheet> read_sheets() {
    std::vector<sheet> out;
    for (const auto& [file, written] : tests::json_files(tests::in_source("tests/data/verdicts"))) {
        const auto checked = sample(written["policy"].get<std::string>());
        const auto& items = checked.document.items;
        const auto today = day(written["today"].get_ref<const std::string&>().c_str());
        const auto tables = written.value("verdicts", json::object());
        const auto cases = written.value("cases", json::array());
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto& s = out.emplace_back(checked.document.id + "/" + items[i].id, checked.conditions[i], today);
            add_table(s, tables.value(items[i].id, json::object()));
            add_cases(s, items[i].id, cases);
        }
        for (const auto& each : cases)
            EXPECT_TRUE(checked.document.find_item(each["item"].get<std::string>())) << file << each.dump();
        for (const auto& [id, unused] : tables.items())
            EXPECT_TRUE(checked.document.find_item(id)) << file << " judges item " << id;
    }
    return out;
}

const std::vector<sheet>& sheets() {
    static const auto read = read_sheets();
    return read;
}

TEST(verdicts, cover_every_item_of_thirty_policies_for_twenty_subjects) {
    std::set<std::string> documents, judged;
    for (const auto& [file, document] : tests::json_files(tests::config_path("samples/policies")))
        for (const auto& item : document["items"])
            documents.insert(document["id"].get<std::string>() + "/" + item["id"].get<std::string>());
    std::set<std::string> policies;
    std::map<std::string, int> kinds;
    for (const auto& s : sheets()) {
        judged.insert(s.item);
        policies.insert(s.item.substr(0, s.item.find('/')));
        EXPECT_EQ(subjects_of(s.asked.subject()).size(), 20U);
        EXPECT_EQ(s.subjects, 20U) << s.item;
        for (std::size_t i = 0; i < s.subjects; ++i) {
            const auto& e = s.expected[i];
            ++kinds[e.outcome + (*e.only_manual ? " only_manual" : "") + (*e.one_short ? " one_short" : "")];
        }
    }
    EXPECT_EQ(judged, documents);
    EXPECT_EQ(policies.size(), 30U);
    EXPECT_EQ(judged.size(), sheets().size());
    for (const auto* kind :
         {"eligible", "possible", "possible only_manual", "ineligible", "ineligible one_short"})
        EXPECT_GE(kinds[kind], 35) << kind;
    EXPECT_EQ(kinds.size(), 5U);
}

TEST(verdicts, are_what_the_policies_say) {
    for (const auto& s : sheets())
        for (std::size_t i = 0; i < s.rows.size(); ++i)
            check(s, i, judge(s.asked, s.rows[i], s.today), "judge");
}

TEST(verdicts, are_what_the_scan_finds_with_every_kernel) {
    for (const auto type : {subject_type::enterprise, subject_type::resident}) {
        const auto layout = std::make_shared<const column_layout>(the_catalogue(), type);
        for (const auto& s : sheets()) {
            if (s.asked.subject() != type) continue;
            columns held(layout);
            for (std::size_t i = 0; i < s.rows.size(); ++i) held.put(i, s.rows[i]);
            const scan_plan plan(s.asked, layout, s.today);
            for (const auto& k : all_kernels()) {
                std::vector<judgement> found(s.rows.size());
                scan_space space(k);
                space.scan(plan, held, [&](const scan_block& b) {
                    for (std::size_t i = b.first; i < found.size() && i < b.first + b.words * 64; ++i) {
                        const auto at = [&](const std::uint64_t* m) {
                            return (m[(i - b.first) / 64] >> ((i - b.first) % 64) & 1) != 0;
                        };
                        found[i] = {at(b.eligible)   ? verdict::eligible
                                    : at(b.possible) ? verdict::possible
                                                     : verdict::ineligible,
                                    at(b.decided), at(b.one_short)};
                    }
                });
                for (std::size_t i = 0; i < found.size(); ++i) check(s, i, found[i], k.name);
            }
        }
    }
}

TEST(verdicts, are_what_the_reverse_index_finds) {
    std::map<std::pair<subject_type, std::int32_t>, std::vector<const sheet*>> days;
    for (const auto& s : sheets()) days[{s.asked.subject(), s.today}].push_back(&s);
    for (const auto& [key, of_day] : days) {
        // All items of the type side by side, as on the day.
        std::vector<condition> items;
        std::vector<const sheet*> sheet_of;
        for (const auto& s : sheets()) {
            if (s.asked.subject() != key.first) continue;
            items.push_back(s.asked);
            sheet_of.push_back(s.today == key.second ? &s : nullptr);
        }
        const reverse_index index(items, key.second);
        reverse_index::space space;
        reverse_index::outcome found;
        for (const auto* rows : of_day)
            for (std::size_t i = 0; i < rows->rows.size(); ++i)
                for (const auto& k : all_kernels()) {
                    index.match(rows->rows[i], space, found, k);
                    for (std::size_t p = 0; p < index.items(); ++p) {
                        if (sheet_of[index.item_at(p)] != rows) continue;
                        const auto at = [p](const std::vector<std::uint64_t>& m) {
                            return (m[p / 64] >> (p % 64) & 1) != 0;
                        };
                        check(*rows, i,
                              {at(found.eligible)   ? verdict::eligible
                               : at(found.possible) ? verdict::possible
                                                    : verdict::ineligible,
                               at(found.decided), at(found.one_short)},
                              std::string("reverse, ") + k.name);
                    }
                }
    }
}

} // namespace
} // namespace zhida::matching
