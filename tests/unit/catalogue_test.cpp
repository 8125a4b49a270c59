#include "matching/catalogue.hpp"
#include "matching/decimal.hpp"
#include "matching_support.hpp"
#include "tests/support/folders.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>

namespace zhida::matching {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const attribute& named(const char* name) {
    const auto* a = the_catalogue().find(name);
    if (!a) throw std::runtime_error(name);
    return *a;
}

TEST(subject_codes, pack_in_the_order_of_their_texts) {
    EXPECT_EQ(unpack_code(pack_code("C3911")), "C3911");
    EXPECT_EQ(unpack_code(pack_code("")), "");
    EXPECT_EQ(unpack_code(pack_code("ABCDEFGHI")), "ABCDEFGH");
    EXPECT_LT(pack_code("C39"), pack_code("C391"));
    EXPECT_LT(pack_code("C3919"), pack_code("C40"));
    EXPECT_GT(pack_code("A"), 0);
    subject_type type = subject_type::enterprise;
    EXPECT_TRUE(parse("resident", type));
    EXPECT_EQ(type, subject_type::resident);
    EXPECT_FALSE(parse("Resident", type));
    EXPECT_STREQ(to_string(subject_type::enterprise), "enterprise");
}

TEST(decimals, are_exact) {
    std::int64_t v = 0;
    EXPECT_EQ(parse_decimal(0.055, 3, v), decimal_error::none);
    EXPECT_EQ(v, 55);
    EXPECT_EQ(parse_decimal(0.055, 2, v), decimal_error::too_many_decimals);
    EXPECT_EQ(parse_decimal("5.500", 1, v), decimal_error::none);
    EXPECT_EQ(v, 55);
    EXPECT_EQ(parse_decimal("-0.07", 2, v), decimal_error::none);
    EXPECT_EQ(v, -7);
    EXPECT_EQ(parse_decimal(1e22, 0, v), decimal_error::out_of_range);
    EXPECT_EQ(parse_decimal(5e-324, 6, v), decimal_error::too_many_decimals);
    EXPECT_EQ(parse_decimal("99999999999999999999999", 2, v), decimal_error::out_of_range);
    EXPECT_EQ(parse_decimal("10000000000001", 2, v), decimal_error::out_of_range);
    for (const auto* bad : {"", "-", ".", "5.", ".5", "1e3", "1,000", "1.2.3", " 1", "12a"})
        EXPECT_EQ(parse_decimal(bad, 2, v), decimal_error::not_a_number) << bad;
    EXPECT_EQ(format_decimal(1250, 2), "12.5");
    EXPECT_EQ(format_decimal(-7, 2), "-0.07");
    EXPECT_EQ(format_decimal(1200, 2), "12");
    EXPECT_EQ(format_decimal(0, 3), "0");
    EXPECT_EQ(format_decimal(-1200, 0), "-1200");
}

RC_GTEST_PROP(decimals, read_back_as_they_were_written, ()) {
    const auto decimals = *rc::gen::inRange(0, 7);
    const auto value = *rc::gen::inRange<std::int64_t>(-largest_coded, largest_coded + 1);
    std::int64_t back = 0;
    RC_ASSERT(parse_decimal(format_decimal(value, decimals), decimals, back) == decimal_error::none);
    RC_ASSERT(back == value);
    RC_ASSERT(parse_decimal(std::stod(format_decimal(value, decimals)), decimals, back) ==
              decimal_error::none);
    RC_ASSERT(back == value);
}

TEST(catalogue, holds_the_whole_code_lists) {
    const auto& industries = the_catalogue().industries();
    std::array<int, 5> levels{};
    for (const auto& e : industries.entries()) ++levels[static_cast<std::size_t>(e.level)];
    EXPECT_THAT(levels, ElementsAre(0, 20, 97, 473, 1381));
    const auto& divisions = the_catalogue().divisions();
    int villages = 0, provinces = 0;
    for (const auto& e : divisions.entries()) {
        villages += e.level == 5 ? 1 : 0;
        provinces += e.level == 1 ? 1 : 0;
    }
    EXPECT_EQ(villages, 567);
    EXPECT_EQ(provinces, 34);
    EXPECT_EQ(divisions.find("310113501")->name, "宝山工业园区");
    EXPECT_EQ(divisions.path_name("310113003"), "上海市 / 宝山区 / 友谊路街道");
    EXPECT_EQ(divisions.path_name("141181"), "山西省 / 吕梁市 / 孝义市");
    EXPECT_EQ(divisions.path_name("999999"), "");
}

TEST(code_lists, are_in_preorder) {
    for (const auto* list : {&the_catalogue().industries(), &the_catalogue().divisions()})
        for (std::size_t i = 0; i < list->entries().size(); ++i) {
            const auto& e = list->entries()[i];
            ASSERT_EQ(list->index_of(e.code), i);
            if (e.parent.empty()) continue;
            const auto parent = list->index_of(e.parent);
            ASSERT_LT(parent, i);
            ASSERT_LE(list->end_of(i), list->end_of(parent)) << e.code;
        }
    const auto& list = the_catalogue().industries();
    const auto c39 = list.index_of("C39");
    for (std::size_t i = 0; i < list.entries().size(); ++i)
        ASSERT_EQ(list.entries()[i].code.starts_with("C39"), i >= c39 && i < list.end_of(c39));
}

TEST(code_lists, report_what_does_not_fit) {
    std::vector<failure> errors;
    const auto list = code_list::make({{"A", "a", "", 1},
                                       {"A01", "b", "A", 2},
                                       {"A01", "c", "A", 2},
                                       {"B01", "d", "B", 2},
                                       {"A011", "e", "A02", 3},
                                       {"A02", "f", "A01", 2}},
                                      "list.csv", errors);
    std::vector<std::string> said;
    for (const auto& e : errors) said.push_back(e.text());
    EXPECT_THAT(said, ElementsAre(HasSubstr("list.csv:4: code A01 is listed twice"),
                                  HasSubstr("list.csv:5: parent B of B01 is not listed"),
                                  HasSubstr("list.csv:7: parent A01 of A02 is not on a higher level")));
}

TEST(code_lists, know_what_is_near) {
    EXPECT_THAT(the_catalogue().divisions().near("宝山区"), ElementsAre("310113"));
    EXPECT_THAT(the_catalogue().divisions().near("宝山", 2), ElementsAre("310113", "310106017"));
    EXPECT_EQ(the_catalogue().divisions().near("31013", 1).at(0).substr(0, 4), "3101");
    const auto near = the_catalogue().industries().near("C3999");
    ASSERT_FALSE(near.empty());
    EXPECT_EQ(near[0].substr(0, 3), "C39");
    EXPECT_TRUE(the_catalogue().industries().near("").empty());
    EXPECT_TRUE(the_catalogue().industries().near(std::string(5000, 'C')).empty());
    EXPECT_THAT(the_catalogue().near("ent.headcont", 1), ElementsAre("ent.headcount"));
    EXPECT_THAT(the_catalogue().near("从业人员", 1), ElementsAre("ent.headcount"));
    EXPECT_THAT(the_catalogue().near("headcount", 1), ElementsAre("ent.headcount"));
}

TEST(catalogue, finds_attributes_by_name_and_number) {
    for (const auto& a : the_catalogue().attributes()) {
        EXPECT_EQ(the_catalogue().find(a.name), &a);
        EXPECT_EQ(the_catalogue().find(a.subject, a.number), &a);
    }
    EXPECT_EQ(the_catalogue().find("ent.nothing"), nullptr);
    EXPECT_EQ(the_catalogue().find(subject_type::resident, 63), nullptr);
    EXPECT_EQ(the_catalogue().find(subject_type::resident, -1), nullptr);
    EXPECT_EQ(the_catalogue().find(subject_type::resident, 64), nullptr);
}

TEST(catalogue, encodes_what_documents_say) {
    const auto& c = the_catalogue();
    EXPECT_EQ(c.encode(named("ent.headcount"), 35).value(), 35);
    EXPECT_EQ(c.encode(named("ent.headcount"), 35.0).value(), 35);
    EXPECT_EQ(c.encode(named("ent.layoff_rate"), 5.5).value(), 550);
    EXPECT_EQ(c.encode(named("ent.layoff_rate"), 0.07).value(), 7);
    EXPECT_EQ(c.encode(named("ent.blacklisted"), true).value(), 1);
    EXPECT_EQ(c.encode(named("ent.established"), "1970-01-02").value(), 1);
    EXPECT_EQ(c.encode(named("ent.size"), "小型").value(), 3);
    EXPECT_EQ(c.encode(named("ent.industry"), "C3911").value(), pack_code("C3911"));
    EXPECT_EQ(c.encode(named("ent.industry"), "3911").value(), pack_code("C3911"));
    EXPECT_EQ(c.encode(named("ent.industry"), "65").value(), pack_code("I65"));
    EXPECT_EQ(c.encode(named("ent.reg_division"), "310113").value(), 310113);
    EXPECT_EQ(c.encode(named("ent.reg_division"), "310113003001").value(), 310113003001);
    EXPECT_EQ(c.encode(named("ent.reg_division"), "310113003000").value(), 310113003);
    EXPECT_EQ(c.encode(named("ent.reg_division"), "310113000000").value(), 310113);
    const auto& tags = named("ent.industry_tags");
    EXPECT_EQ(c.encode(tags, json::array({"邮轮产业", "邮轮公司"})).value(),
              1 << tags.find_term("邮轮产业")->number | 1 << tags.find_term("邮轮公司")->number);
    EXPECT_EQ(c.encode(tags, json::array()).value(), 0);
}

TEST(catalogue, refuses_what_it_cannot_encode_and_says_what_is_near) {
    const auto& c = the_catalogue();
    const auto said = [&](const char* name, const json& v) {
        return c.encode(named(name), v).error().text();
    };
    EXPECT_EQ(said("ent.headcount", 3.5),
              "'3.5' is not a whole number (a whole number from 0 to 2000000 人)");
    EXPECT_EQ(said("ent.headcount", -1), "'-1' is out of range (a whole number from 0 to 2000000 人)");
    EXPECT_THAT(said("ent.headcount", 18446744073709551615U), HasSubstr("is out of range"));
    EXPECT_THAT(said("ent.headcount", "35"), HasSubstr("'\"35\"' is not a value of ent.headcount"));
    EXPECT_EQ(said("ent.layoff_rate", 5.555),
              "'5.555' has too many decimals (a number with at most 2 decimals from 0 to 100%)");
    EXPECT_THAT(said("ent.established", "2024-02-30"), HasSubstr("'2024-02-30' is not a date"));
    EXPECT_THAT(said("ent.size", "小形"), HasSubstr("near it: 小型"));
    EXPECT_THAT(said("ent.size", "small"), HasSubstr("one of 大型, 中型, 小型, 微型"));
    EXPECT_THAT(said("ent.industry", "C3999"), HasSubstr("near it: C39"));
    EXPECT_THAT(said("ent.industry", "c39"), HasSubstr("near it: C39 计算机"));
    EXPECT_THAT(said("ent.reg_division", "宝山区"), HasSubstr("near it: 310113 宝山区"));
    EXPECT_THAT(said("ent.reg_division", 310113), HasSubstr("a code, as a text"));
    EXPECT_THAT(said("ent.reg_division", "0310113"), HasSubstr("is not a division code"));
    EXPECT_THAT(said("ent.industry_tags", json::array({"邮轮产业", "邮轮工业"})),
                HasSubstr("near it: 邮轮产业"));
    EXPECT_THAT(said("ent.blacklisted", 1), HasSubstr("true or false"));
    EXPECT_THAT(said("ent.blacklisted", nullptr), HasSubstr("'null' is not a value"));
}

TEST(catalogue, reads_cells) {
    const auto& c = the_catalogue();
    EXPECT_EQ(c.encode_cell(named("ent.headcount"), " 35 ").value(), 35);
    EXPECT_EQ(c.encode_cell(named("ent.revenue"), "120.50").value(), 12050);
    EXPECT_EQ(c.encode_cell(named("ent.blacklisted"), "是").value(), 1);
    EXPECT_EQ(c.encode_cell(named("ent.blacklisted"), "FALSE").value(), 0);
    EXPECT_EQ(c.encode_cell(named("ent.established"), "2024-05-01").value(), day("2024-05-01"));
    EXPECT_EQ(c.encode_cell(named("ent.industry"), "3911").value(), pack_code("C3911"));
    EXPECT_EQ(c.encode_cell(named("ent.industry_tags"), "邮轮产业；邮轮公司;邮轮产业").value(),
              c.encode(named("ent.industry_tags"), json::array({"邮轮产业", "邮轮公司"})).value());
    EXPECT_EQ(c.encode_cell(named("ent.industry_tags"), "无").value(), 0);
    for (const auto& [name, bad] :
         std::vector<std::pair<const char*, const char*>>{{"ent.headcount", ""},
                                                          {"ent.headcount", "1,000"},
                                                          {"ent.headcount", "35.5"},
                                                          {"ent.revenue", "1e5"},
                                                          {"ent.revenue", "1.234"},
                                                          {"ent.blacklisted", "yes"},
                                                          {"ent.established", "2024/5/1"},
                                                          {"ent.size", "大"},
                                                          {"ent.industry_tags", "邮轮产业;x"},
                                                          {"ent.reg_division", "310113999"}})
        EXPECT_FALSE(c.encode_cell(named(name), bad)) << name << " " << bad;
}

TEST(catalogue, shows_values_to_people) {
    const auto& c = the_catalogue();
    const auto shown = [&](const char* name, const json& v) {
        return c.display(named(name), c.encode(named(name), v).value());
    };
    EXPECT_EQ(shown("ent.headcount", 35), "35 人");
    EXPECT_EQ(shown("ent.revenue", 1200.5), "1200.5 万元");
    EXPECT_EQ(shown("ent.layoff_rate", 5.5), "5.5%");
    EXPECT_EQ(shown("ent.blacklisted", false), "否");
    EXPECT_EQ(shown("ent.established", "2024-05-01"), "2024-05-01");
    EXPECT_EQ(shown("ent.size", "小型"), "小型");
    EXPECT_EQ(shown("ent.industry", "C39"), "制造业 / 计算机、通信和其他电子设备制造业");
    EXPECT_EQ(shown("ent.reg_division", "310113003"), "上海市宝山区友谊路街道");
    EXPECT_EQ(shown("ent.industry_tags", json::array({"邮轮产业", "邮轮公司"})), "邮轮产业、邮轮公司");
    EXPECT_EQ(shown("ent.industry_tags", json::array()), "无");
    // Stored under an older catalogue: shown as it is, not lost.
    EXPECT_EQ(c.display(named("ent.size"), 99), "#99");
    EXPECT_EQ(c.display(named("ent.industry"), pack_code("Z99")), "Z99");
    EXPECT_EQ(c.display(named("ent.reg_division"), 990000), "990000");
}

RC_GTEST_PROP(catalogue, decodes_what_it_encoded, ()) {
    const auto& a = *rc::gen::elementOf(the_catalogue().attributes());
    std::int64_t value = 0;
    switch (a.kind) {
    case attribute_kind::boolean:
        value = *rc::gen::inRange(0, 2);
        break;
    case attribute_kind::integer:
    case attribute_kind::decimal:
        value = *rc::gen::inRange<std::int64_t>(a.low, a.high + 1);
        break;
    case attribute_kind::date:
        value = *rc::gen::inRange(-20000, 40000);
        break;
    case attribute_kind::term:
        value = (*rc::gen::elementOf(a.terms)).number;
        break;
    case attribute_kind::set:
        for (const auto& t : a.terms)
            if (*rc::gen::arbitrary<bool>()) value |= std::int64_t{1} << t.number;
        break;
    case attribute_kind::industry:
        value = pack_code((*rc::gen::elementOf(the_catalogue().industries().entries())).code);
        break;
    case attribute_kind::division:
        value = std::stoll((*rc::gen::elementOf(the_catalogue().divisions().entries())).code);
        break;
    }
    const auto document = the_catalogue().decode(a, value);
    RC_ASSERT(the_catalogue().encode(a, document).value() == value);
    // And through text, as it is stored.
    RC_ASSERT(the_catalogue().encode(a, json::parse(to_text(document))).value() == value);
}

// A folder of the real files, to break one of them.
class broken_catalogue : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "zhida_catalogue_" + std::to_string(::getpid());
        std::filesystem::remove_all(folder_);
        std::filesystem::copy(zhida::tests::in_source("config/catalogue"), folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& file, const std::string& text) {
        std::ofstream(folder_ + "/" + file, std::ios::trunc) << text;
    }
    json read(const std::string& file) { return json::parse(std::ifstream(folder_ + "/" + file)); }
    std::string errors() {
        const auto loaded = catalogue::load(folder_);
        return loaded ? "" : loaded.error().text();
    }
    std::string folder_;
};

TEST_F(broken_catalogue, loads_where_nothing_is_broken) {
    EXPECT_EQ(errors(), "");
}

TEST_F(broken_catalogue, says_which_files_are_missing) {
    std::filesystem::remove(folder_ + "/industries.csv");
    write("divisions.csv", "code;name\n");
    write("attributes.json", "{\"schema\":");
    EXPECT_THAT(errors(), HasSubstr("industries.csv: cannot be read: No such file"));
    EXPECT_THAT(errors(), HasSubstr("divisions.csv:1: does not begin with the right columns"));
    EXPECT_THAT(errors(), HasSubstr("attributes.json: not valid JSON"));
}

TEST_F(broken_catalogue, says_every_error_of_the_code_lists) {
    write("industries.csv", "full_code,name,level,parent\nA,农业,1,\nA01,\"x\",2,A\nA011,x,2,A01\nX01,x,2\n");
    write("divisions.csv",
          "code,name,level,parent\n310000,上海市,1,\n310113,宝山区,3,310000\n310114003,x,4,310113\n");
    const auto said = errors();
    EXPECT_THAT(said, HasSubstr("industries.csv:3: not a good line: A01,\"x\""));
    EXPECT_THAT(said, HasSubstr("industries.csv:4: not a good line: A011,x,2,A01"));
    EXPECT_THAT(said, HasSubstr("industries.csv:5: not a good line: X01,x,2"));
    EXPECT_THAT(said, HasSubstr("divisions.csv:4: not a good line: 310114003,x,4,310113"));
}

TEST_F(broken_catalogue, says_every_error_of_the_attributes) {
    write("attributes.json", R"({"schema": "zhida.catalogue/2", "extra": 1, "attributes": [
      {"n": 64, "name": "Ent.x", "subject": "firm", "type": "text", "label": "", "label_en": "x", "source": "x",
       "sensitivity": "secret", "color": 1},
      {"n": 1, "name": "ent.a", "subject": "enterprise", "type": "enum", "label": "x", "label_en": "x", "source": "x",
       "sensitivity": "public"},
      {"n": 1, "name": "ent.a", "subject": "enterprise", "type": "set", "label": "x", "label_en": "x", "source": "x",
       "sensitivity": "public", "terms": [{"n": 63, "code": "a", "label": "a"}, {"n": 1, "code": "b", "label": "b"},
       {"n": 1, "code": "b", "label": "b"}]},
      {"n": 2, "name": "ent.b", "subject": "enterprise", "type": "integer", "label": "x", "label_en": "x", "source": "x",
       "sensitivity": "public", "decimals": 2, "min": 5, "max": 1.5, "terms": []},
      {"n": 3, "name": "ent.c", "subject": "enterprise", "type": "decimal", "label": "x", "label_en": "x", "source": "x",
       "sensitivity": "public", "decimals": 1, "min": 5, "max": 1.5},
      {"n": 4, "name": "ent.d", "subject": "enterprise", "type": "date", "label": "x", "label_en": "x", "source": "x",
       "sensitivity": "public", "max": 5},
      7]})");
    const auto said = errors();
    for (const auto* part : {"#/schema: 'zhida.catalogue/2' is not read here",
                             "#/extra: is not a known member",
                             "#/attributes/0/n: must be from 0 to 63",
                             "#/attributes/0/name: 'Ent.x' is not a name",
                             "#/attributes/0/subject: 'firm' is not a subject type",
                             "#/attributes/0/type: 'text' is not a type",
                             "#/attributes/0/label: must not be empty",
                             "#/attributes/0/sensitivity: 'secret' is not known",
                             "#/attributes/0/color: is not a known member",
                             "#/attributes/1/terms: is missing",
                             "#/attributes/2/terms/0/n: must be from 0 to 62",
                             "#/attributes/2/terms/2/n: is taken by another term",
                             "#/attributes/2/terms/2/code: is taken by another term",
                             "#/attributes/2/n: is taken by ent.a",
                             "#/attributes/2/name: 'ent.a' is taken",
                             "#/attributes/3/decimals: only a decimal has decimals",
                             "#/attributes/3/max: is too large or has more decimals",
                             "#/attributes/3/terms: only an enum or a set",
                             "#/attributes/4/min: is above max",
                             "#/attributes/5/max: only an integer or a decimal has bounds",
                             "#/attributes/6: must be an object"})
        EXPECT_THAT(said, HasSubstr(part));
}

TEST_F(broken_catalogue, says_every_error_of_the_size_classes) {
    auto sizes = read("size_classes.json");
    sizes["industry"] = "ent.headcount";
    sizes["indicators"]["X"] = "ent.heads";
    sizes["rows"][0]["prefixes"] = {"A", "Z"};
    sizes["rows"][1]["bounds"]["Y"] = {1, 2, 3};
    sizes["rows"][2]["bounds"] = json::object();
    sizes["rows"][3]["prefixes"] = {"F51", "F52"};
    write("size_classes.json", sizes.dump());
    const auto said = errors();
    for (const auto* part :
         {"#/industry: 'ent.headcount' is not an industry attribute",
          "#/indicators/X: 'ent.heads' is not a number attribute",
          "#/rows/0/prefixes/1: 'Z' is not a code of industries.csv",
          "#/rows/1/bounds/Y: must be three falling numbers",
          "#/rows/2/bounds: must name at least one indicator", "is in two rows: 批发业 and 零售业"})
        EXPECT_THAT(said, HasSubstr(part));
}

} // namespace
} // namespace zhida::matching
