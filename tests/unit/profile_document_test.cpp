#include "matching/profile_document.hpp"

#include "common/base/clock.hpp"
#include "tests/support/folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>

namespace zhida::matching {
namespace {

using testing::HasSubstr;
using testing::Not;

const catalogue& shared_catalogue() {
    static const auto loaded = catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

const crypto::sealer& shared_sealer() {
    static const auto made = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    return made;
}

json good_document() {
    return parse_json(R"({"schema":"zhida.profile/1","id":"91330100799655058B","type":"enterprise",
        "name":"合成·某某有限公司","origin":"市场监管","as_of":"2026-11-20",
        "attributes":{"ent.headcount":35,"ent.industry":"C3911","ent.revenue":12800.5,
          "ent.reg_division":"310113003","ent.established":"2024-05-01","ent.legal_person":true,
          "ent.qualifications":["高新技术企业","科技型中小企业"],"ent.assets":null},
        "contacts":[{"role":"财务","phone":"16400000001","openid":"oAbc_-1"},{"role":"法人"}],
        "x-note":"ours"})")
        .value();
}

std::vector<failure> errors_of(const json& document, const crypto::sealer* sealer = nullptr) {
    std::vector<failure> errors;
    const auto read = read_profile_document(document, shared_catalogue(), errors, sealer);
    EXPECT_EQ(read.has_value(), errors.empty());
    return errors;
}

std::int64_t value_of(const profile& p, std::string_view name) {
    const auto* a = shared_catalogue().find(name);
    EXPECT_TRUE(a && p.attributes.has(a->number)) << name;
    return a ? p.attributes.value[static_cast<std::size_t>(a->number)] : -1;
}

TEST(profile_document, reads_a_good_one) {
    std::vector<failure> errors;
    const auto p = read_profile_document(good_document(), shared_catalogue(), errors).value();
    EXPECT_EQ(p.id, "91330100799655058B");
    EXPECT_EQ(p.name, "合成·某某有限公司");
    EXPECT_EQ(p.origin, "市场监管");
    EXPECT_EQ(format_date(p.as_of), "2026-11-20");
    EXPECT_EQ(value_of(p, "ent.headcount"), 35);
    EXPECT_EQ(value_of(p, "ent.revenue"), 1280050);
    EXPECT_EQ(value_of(p, "ent.industry"), pack_code("C3911"));
    EXPECT_EQ(value_of(p, "ent.reg_division"), 310113003);
    EXPECT_FALSE(p.attributes.has(shared_catalogue().find("ent.assets")->number));
    ASSERT_EQ(p.contacts.size(), 2U);
    EXPECT_EQ(p.contacts[0], (contact{"财务", "16400000001", "oAbc_-1"}));
    EXPECT_EQ(p.contacts[1], (contact{"法人", "", ""}));
}

TEST(profile_document, size_is_computed_only_where_it_is_absent) {
    // 工业: 35 persons and 12,800 万元 meet the bounds of 小型 (20, 300), not those of 中型 (300, 2000).
    std::vector<failure> errors;
    auto document = good_document();
    auto p = read_profile_document(document, shared_catalogue(), errors).value();
    EXPECT_EQ(value_of(p, "ent.size"), 3);
    EXPECT_FALSE(size_differs(p, shared_catalogue()));

    document["attributes"]["ent.size"] = "大型";
    p = read_profile_document(document, shared_catalogue(), errors).value();
    EXPECT_EQ(value_of(p, "ent.size"), 1);
    EXPECT_TRUE(size_differs(p, shared_catalogue()));

    document["attributes"].erase("ent.size");
    document["attributes"].erase("ent.revenue");
    document["attributes"]["ent.headcount"] = 2000; // revenue could make it 大型 or less
    p = read_profile_document(document, shared_catalogue(), errors).value();
    EXPECT_FALSE(p.attributes.has(shared_catalogue().find("ent.size")->number));
}

TEST(profile_document, seals_contacts_and_opens_them_for_the_same_subject_only) {
    std::vector<failure> errors;
    const auto p = read_profile_document(good_document(), shared_catalogue(), errors).value();
    auto sealed = write_profile_document(p, shared_catalogue(), &shared_sealer());
    EXPECT_FALSE(sealed.contains("contacts"));
    EXPECT_THAT(to_text(sealed), Not(HasSubstr("16400000001")));
    EXPECT_EQ(read_profile_document(sealed, shared_catalogue(), errors, &shared_sealer()).value(), p);

    EXPECT_EQ(errors_of(sealed).at(0).where, "/sealed_contacts"); // no key
    auto moved = sealed;
    moved["id"] = "9144030071526726XG";
    EXPECT_EQ(errors_of(moved, &shared_sealer()).at(0).where, "/sealed_contacts");
    auto both = sealed;
    both["contacts"] = json::array();
    EXPECT_EQ(errors_of(both, &shared_sealer()).at(0).where, "/sealed_contacts");
    auto broken = sealed;
    broken["sealed_contacts"] = "not base64!";
    EXPECT_EQ(errors_of(broken, &shared_sealer()).at(0).where, "/sealed_contacts");
}

TEST(profile_document, every_error_has_its_pointer) {
    const auto changed = [](const char* pointer, json value) {
        auto document = good_document();
        document[json::json_pointer(pointer)] = std::move(value);
        return document;
    };
    const std::pair<const char*, json> bad[] = {
        {"/schema", "zhida.profile/2"},
        {"/id", "91330100799655058A"},
        {"/id", "91330100799655058b"},
        {"/type", "robot"},
        {"/name", "a\nb"},
        {"/name", 5},
        {"/as_of", "2026-02-29"},
        {"/attributes", json::array()},
        {"/attributes/ent.headcount", -1},
        {"/attributes/ent.headcount", "35"},
        {"/attributes/ent.headcuont", 35},
        {"/attributes/ent.industry", "C9999"},
        {"/attributes/ent.reg_division", "310199"},
        {"/attributes/person.sex", "男"},
        {"/contacts", json::object()},
        {"/contacts/0/phone", "12345678901"},
        {"/contacts/0/phone", "+8613800000000"},
        {"/contacts/0/openid", "a b"},
        {"/contacts/0/fax", "1"},
        {"/unknown", 1},
    };
    for (const auto& [pointer, value] : bad) {
        const auto errors = errors_of(changed(pointer, value));
        ASSERT_EQ(errors.size(), 1U) << pointer << " " << value << (errors.empty() ? "" : errors[1].text());
        EXPECT_EQ(errors[0].where, pointer);
        EXPECT_FALSE(errors[0].fix.empty()) << errors[0].text();
    }
    EXPECT_THAT(errors_of(changed("/attributes/ent.headcuont", 35))[0].fix, HasSubstr("ent.headcount"));
    EXPECT_EQ(errors_of(json::array())[0].where, "/");
    for (const char* member : {"schema", "id", "type", "attributes"}) {
        auto document = good_document();
        document.erase(member);
        EXPECT_EQ(errors_of(document).at(0).where, std::string("/") + member);
    }
}

TEST(profile_document, all_errors_at_once) {
    auto document = good_document();
    document["attributes"]["ent.headcount"] = -1;
    document["attributes"]["ent.industry"] = "X";
    document["contacts"][0]["phone"] = "1";
    EXPECT_EQ(errors_of(document).size(), 3U);
}

TEST(profile_document, values_of_people_are_never_repeated) {
    auto document = parse_json(R"({"schema":"zhida.profile/1","id":"R1","type":"resident","name":"某人",
        "attributes":{"person.birth_date":"1987-13-65","person.sex":"canary-sex","person.children":777,
        "person.disability":"canary-disability","person.hukou_division":"canary-hukou"},
        "contacts":[{"role":"本人","phone":"13canary999","openid":"canary openid"}]})")
                        .value();
    const auto errors = errors_of(document);
    EXPECT_EQ(errors.size(), 7U);
    for (const auto& e : errors) {
        EXPECT_THAT(e.text(), Not(HasSubstr("canary")));
        EXPECT_THAT(e.text(), Not(HasSubstr("1987")));
        EXPECT_THAT(e.text(), Not(HasSubstr("777")));
        EXPECT_FALSE(e.fix.empty());
    }
}

// Any row of values that the catalogue can code survives writing and reading.
RC_GTEST_PROP(profile_document, round_trip, ()) {
    const auto& c = shared_catalogue();
    profile p;
    p.type = *rc::gen::element(subject_type::enterprise, subject_type::resident);
    p.id = p.type == subject_type::enterprise ? "91330100799655058B" : "R00000000000000001";
    p.name = *rc::gen::element<std::string>("", "合成·甲", "A \"B\" \\ C");
    p.origin = *rc::gen::element<std::string>("", "import");
    p.as_of = *rc::gen::inRange(0, 40000);
    if (*rc::gen::arbitrary<bool>()) p.contacts = {{"法人", "16400000001", "o"}, {"", "", "x"}};
    for (const auto& a : c.attributes()) {
        if (a.subject != p.type || !*rc::gen::arbitrary<bool>()) continue;
        std::int64_t v = 0;
        switch (a.kind) {
        case attribute_kind::boolean:
            v = *rc::gen::inRange(0, 2);
            break;
        case attribute_kind::integer:
        case attribute_kind::decimal:
            v = *rc::gen::inRange(a.low, a.high + 1);
            break;
        case attribute_kind::date:
            v = *rc::gen::inRange(-20000, 40000);
            break;
        case attribute_kind::term:
            v = a.terms[*rc::gen::inRange<std::size_t>(0, a.terms.size())].number;
            break;
        case attribute_kind::set:
            for (const auto& t : a.terms)
                if (*rc::gen::arbitrary<bool>()) v |= std::int64_t{1} << t.number;
            break;
        case attribute_kind::industry:
            v = pack_code(c.industries()
                              .entries()[*rc::gen::inRange<std::size_t>(0, c.industries().entries().size())]
                              .code);
            break;
        case attribute_kind::division:
            v = std::stoll(c.divisions()
                               .entries()[*rc::gen::inRange<std::size_t>(0, c.divisions().entries().size())]
                               .code);
            break;
        }
        p.attributes.set(a.number, v);
    }
    const bool sealed = *rc::gen::arbitrary<bool>();
    const auto* sealer = sealed ? &shared_sealer() : nullptr;
    const auto text = to_text(write_profile_document(p, c, sealer));
    std::vector<failure> errors;
    auto back = read_profile_document(parse_json(text).value(), c, errors, sealer);
    RC_ASSERT(back.has_value());
    add_size(p, c);
    RC_ASSERT(*back == p);
}

} // namespace
} // namespace zhida::matching
