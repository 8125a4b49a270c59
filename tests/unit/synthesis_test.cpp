#include "services/profiles/synthesis.hpp"

#include "common/base/clock.hpp"
#include "common/model/profile_rules.hpp"
#include "matching/profile_document.hpp"
#include "services/profiles/import_reader.hpp"
#include "services/profiles/profile_writer.hpp"
#include "services/profiles/synthetic_contacts.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace zhida::profiles {
namespace {

const matching::catalogue& shared_catalogue() {
    static const auto loaded = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

std::int32_t day() {
    std::int32_t d = 0;
    parse_date("2026-11-01", d);
    return d;
}

std::vector<profile> population(std::int64_t enterprises, std::int64_t residents, std::uint64_t seed = 1) {
    auto s = synthesis::make(shared_catalogue(),
                             {.enterprises = enterprises, .residents = residents, .seed = seed, .day = day()})
                 .value();
    std::vector<profile> all;
    for (profile p; s.next(p);) all.push_back(p);
    return all;
}

const std::vector<profile>& sample() { // made once: 3,000 and 6,000
    static const auto all = population(3000, 6000);
    return all;
}

int number(std::string_view name) {
    return shared_catalogue().find(name)->number;
}

// Share of the subjects of a type for which the test is true, of those where the attribute is known.
template <class Test>
double share(subject_type type, std::string_view attribute, Test test) {
    double known = 0, yes = 0;
    for (const auto& p : sample()) {
        if (p.type != type || !p.attributes.has(number(attribute))) continue;
        ++known;
        yes += test(p.attributes.value[static_cast<std::size_t>(number(attribute))]);
    }
    return known == 0 ? -1 : yes / known;
}

TEST(synthesis, same_seed_same_population_other_seed_another) {
    EXPECT_TRUE(population(50, 80) == population(50, 80));
    EXPECT_FALSE(population(50, 80) == population(50, 80, 2));
    // A subject does not depend on how many others there are.
    EXPECT_TRUE(population(50, 0)[7] == population(8, 5)[7]);
    EXPECT_TRUE(population(0, 0).empty());
    EXPECT_EQ(population(0, 7).size(), 7U); // a household is cut where the number is reached
}

TEST(synthesis, every_subject_is_valid_unique_and_marked) {
    std::set<std::string> ids, phones;
    for (const auto& p : sample()) {
        EXPECT_FALSE(check_id(p.id, p.type)) << p.id;
        EXPECT_FALSE(check_name(p.name));
        EXPECT_TRUE(p.name.starts_with(synthetic_mark)) << p.name;
        EXPECT_EQ(p.origin, synthetic_origin);
        EXPECT_TRUE(ids.insert(p.id).second) << p.id;
        if (p.type == subject_type::enterprise)
            EXPECT_EQ(p.id.substr(8, 2), "HC");
        else
            EXPECT_TRUE(p.id.size() == 18 && p.id[0] == 'R');
        for (const auto& k : p.contacts) {
            EXPECT_FALSE(check_phone(k.phone)) << k.phone;
            EXPECT_FALSE(check_openid(k.openid));
            EXPECT_FALSE(k.phone.empty() && k.openid.empty());
            if (k.phone.empty()) continue;
            EXPECT_TRUE(k.phone.starts_with("164"));
            EXPECT_TRUE(phones.insert(k.phone).second) << k.phone;
        }
    }
    EXPECT_EQ(ids.size(), 9000U);
}

TEST(synthesis, phones_and_openids_have_their_form) {
    EXPECT_EQ(synthetic_phone(0), "16400000000");
    EXPECT_EQ(synthetic_phone(1), "16400037717");
    EXPECT_EQ(synthetic_phone(100000001), synthetic_phone(1));
    random_stream r(1, 2, 3);
    const auto id = synthetic_openid(r);
    EXPECT_EQ(id.size(), 28U);
    EXPECT_TRUE(id.starts_with("oSYN"));
}

// Both forms come back through the importer without a bad row and as they were.
TEST(synthesis, files_import_as_they_were) {
    const auto all = population(300, 300);
    for (const bool csv : {false, true}) {
        std::string text;
        if (csv) append_csv_header(text, shared_catalogue());
        for (const auto& p : all)
            csv ? append_csv_row(text, p, shared_catalogue()) : append_json_line(text, p, shared_catalogue());
        import_reader reader(shared_catalogue(), {.today = day()});
        ASSERT_TRUE(reader.feed(text).has_value());
        ASSERT_TRUE(reader.finish().has_value());
        const auto bad = reader.take_bad_rows();
        EXPECT_TRUE(bad.empty()) << bad[0].row << " " << bad[0].column << " " << bad[0].value << " "
                                 << bad[0].reason;
        EXPECT_TRUE(reader.take_profiles() == all) << csv;
    }
}

TEST(synthesis, enterprises_are_skewed_as_they_should) {
    const auto e = subject_type::enterprise;
    const auto section = [](char s) { return [s](std::int64_t v) { return unpack_code(v)[0] == s; }; };
    EXPECT_NEAR(share(e, "ent.industry", section('F')), 0.29, 0.05);
    EXPECT_NEAR(share(e, "ent.industry", section('C')), 0.18, 0.05);
    EXPECT_LT(share(e, "ent.industry", section('J')), 0.01);
    // real 小类 codes
    EXPECT_EQ(share(e, "ent.industry",
                    [](std::int64_t v) {
                        const auto* found = shared_catalogue().industries().find(unpack_code(v));
                        return found && found->level == 4;
                    }),
              1.0);
    const auto of_baoshan = [](std::int64_t v) { return std::to_string(v).starts_with("310113"); };
    EXPECT_NEAR(share(e, "ent.reg_division", of_baoshan), 0.97, 0.02);
    EXPECT_NEAR(share(e, "ent.tax_division", of_baoshan), 0.955, 0.03);
    // 大型 and 中型 are few, 微型 most
    EXPECT_LT(share(e, "ent.size", [](std::int64_t v) { return v <= 2; }), 0.12);
    EXPECT_GT(share(e, "ent.size", [](std::int64_t v) { return v == 4; }), 0.4);
    EXPECT_NEAR(share(e, "ent.credit", [](std::int64_t v) { return v == 1; }), 0.885, 0.03);
    EXPECT_LT(share(e, "ent.blacklisted", [](std::int64_t v) { return v == 1; }), 0.02);
    const auto hightech = shared_catalogue().find("ent.qualifications")->find_term("高新技术企业")->number;
    const auto all = share(e, "ent.qualifications", [&](std::int64_t v) { return v >> hightech & 1; });
    EXPECT_GT(all, 0.005);
    EXPECT_LT(all, 0.08);
}

TEST(synthesis, places_differ_between_register_and_tax_office_for_some) {
    int both = 0, other_district = 0;
    for (const auto& p : sample()) {
        if (p.type != subject_type::enterprise || !p.attributes.has(number("ent.reg_division")) ||
            !p.attributes.has(number("ent.tax_division")))
            continue;
        const auto district = [&](std::string_view name) {
            return std::to_string(p.attributes.value[static_cast<std::size_t>(number(name))]).substr(0, 6);
        };
        ++both;
        other_district += district("ent.reg_division") != district("ent.tax_division");
    }
    const double differ = static_cast<double>(other_district) / both;
    EXPECT_GT(differ, 0.02);
    EXPECT_LT(differ, 0.12);
}

TEST(synthesis, values_are_missing_each_at_its_own_rate) {
    std::map<std::string, double> known;
    double enterprises = 0;
    for (const auto& p : sample()) {
        if (p.type != subject_type::enterprise) continue;
        ++enterprises;
        for (const auto& a : shared_catalogue().attributes())
            if (a.subject == p.type && p.attributes.has(a.number)) ++known[a.name];
    }
    EXPECT_NEAR(known["ent.headcount"] / enterprises, 0.88, 0.03);
    EXPECT_NEAR(known["ent.revenue"] / enterprises, 0.75, 0.04);
    EXPECT_NEAR(known["ent.tax_division"] / enterprises, 0.90, 0.03);
    // every attribute is known for somebody
    std::set<std::string> used;
    for (const auto& p : sample())
        for (const auto& a : shared_catalogue().attributes())
            if (a.subject == p.type && p.attributes.has(a.number)) used.insert(a.name);
    EXPECT_EQ(used.size(), shared_catalogue().attributes().size());
}

// Margins of the census of 2020, Shanghai: 0-14 9.8 %, 60+ 23.4 %, 65+ 16.3 %, male 51.8 %, 42.1 % from other
// provinces, 33.9 % with college and above, 2.32 persons a household.
TEST(synthesis, residents_follow_the_census) {
    const auto r = subject_type::resident;
    const auto age = [](std::int64_t born) { return (day() - born) / 365.25; };
    EXPECT_NEAR(share(r, "person.birth_date", [&](auto v) { return age(v) < 15; }), 0.098, 0.025);
    EXPECT_NEAR(share(r, "person.birth_date", [&](auto v) { return age(v) >= 60; }), 0.234, 0.03);
    EXPECT_NEAR(share(r, "person.birth_date", [&](auto v) { return age(v) >= 65; }), 0.163, 0.03);
    EXPECT_NEAR(share(r, "person.sex", [](auto v) { return v == 1; }), 0.518, 0.03);
    EXPECT_NEAR(
        share(r, "person.hukou_division", [](auto v) { return !std::to_string(v).starts_with("31"); }), 0.421,
        0.04);
    EXPECT_EQ(
        share(r, "person.residence_division", [](auto v) { return std::to_string(v).starts_with("310113"); }),
        1.0);
    double residents = 0, college = 0, junior = 0;
    const auto* education = shared_catalogue().find("person.education");
    for (const auto& p : sample()) {
        if (p.type != r) continue;
        ++residents;
        if (!p.attributes.has(education->number)) continue;
        const auto v = static_cast<int>(p.attributes.value[static_cast<std::size_t>(education->number)]);
        const auto& code = education->find_term(v)->code;
        college += code == "大专" || code == "本科" || code == "硕士" || code == "博士";
        junior += code == "初中";
    }
    EXPECT_NEAR(college / residents, 0.339 * 0.9, 0.04); // a tenth is not known
    EXPECT_NEAR(junior / residents, 0.289 * 0.9, 0.04);
}

TEST(synthesis, households_share_home_and_children_have_parents) {
    std::map<std::int64_t, int> parents;
    double households = 0, counted = 0;
    for (const auto& p : sample()) {
        if (p.type != subject_type::resident) continue;
        const auto value = [&](std::string_view name) {
            return p.attributes.has(number(name)) ? p.attributes.value[static_cast<std::size_t>(number(name))]
                                                  : -1;
        };
        if (const auto size = value("person.household_size"); size > 0) {
            ++counted;
            households += 1.0 / static_cast<double>(size);
        }
        if (value("person.children") > 0 && value("person.youngest_child_birth") > 0 &&
            value("person.birth_date") > 0)
            EXPECT_GT(value("person.youngest_child_birth") - value("person.birth_date"), 15 * 365);
        if (value("person.birth_date") >= 0) EXPECT_LE(value("person.birth_date"), day());
        if (value("person.graduation_date") > 0) EXPECT_LE(value("person.graduation_date"), day());
    }
    EXPECT_NEAR(counted / households, 2.32, 0.12);
}

TEST(synthesis, contacts_are_there_for_most_but_not_all) {
    double enterprises = 0, without = 0, contacts = 0, openids = 0;
    for (const auto& p : sample()) {
        if (p.type != subject_type::enterprise) continue;
        ++enterprises;
        without += p.contacts.empty();
        EXPECT_LE(p.contacts.size(), 3U);
        for (const auto& k : p.contacts) {
            ++contacts;
            openids += !k.openid.empty();
        }
    }
    EXPECT_NEAR(without / enterprises, 0.09, 0.03);
    EXPECT_NEAR(openids / contacts, 0.61, 0.04);
}

} // namespace
} // namespace zhida::profiles
