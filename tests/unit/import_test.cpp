#include "services/profiles/import_reader.hpp"

#include "common/base/clock.hpp"
#include "matching/profile_document.hpp"
#include "services/profiles/cells.hpp"
#include "services/profiles/file_encoding.hpp"
#include "services/profiles/import_report.hpp"
#include "services/profiles/profile_feed.hpp"
#include "tests/support/folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::profiles {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const matching::catalogue& shared_catalogue() {
    static const auto loaded = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

struct outcome {
    result<void> done;
    std::vector<profile> profiles;
    std::vector<bad_row> bad;
    import_counts counts;
};

std::int32_t today() {
    std::int32_t day = 0;
    EXPECT_TRUE(parse_date("2026-11-23", day));
    return day;
}

outcome read(std::string_view text, std::size_t piece = std::string_view::npos) {
    import_reader reader(shared_catalogue(), {.today = today(), .default_origin = "import"});
    outcome out;
    for (std::size_t at = 0; out.done && at < text.size(); at += std::min(piece, text.size() - at))
        out.done = reader.feed(text.substr(at, piece));
    if (out.done) out.done = reader.finish();
    out.profiles = reader.take_profiles();
    out.bad = reader.take_bad_rows();
    out.counts = reader.counts();
    return out;
}

std::vector<std::vector<std::string>> parse_csv(std::string_view text, std::size_t piece) {
    csv_parser parser;
    std::vector<std::vector<std::string>> rows;
    csv_record record;
    const auto drain = [&] {
        while (parser.next(record)) {
            rows.emplace_back(record.fields.begin(), record.fields.end());
            if (record.problem) rows.back() = {std::string("!") + record.problem};
            EXPECT_EQ(record.row, static_cast<std::int64_t>(rows.size()));
        }
    };
    for (std::size_t at = 0; at < text.size(); at += piece) {
        parser.feed(text.substr(at, piece));
        drain();
    }
    parser.end();
    drain();
    return rows;
}

using row = std::vector<std::string>;

TEST(csv, rfc_4180) {
    for (const std::size_t piece : {1U, 2U, 3U, 1000U}) {
        EXPECT_THAT(parse_csv("a,b\r\nc,d\r\n", piece), ElementsAre(row{"a", "b"}, row{"c", "d"}));
        EXPECT_THAT(parse_csv("a,b\nc,d", piece), ElementsAre(row{"a", "b"}, row{"c", "d"}));
        EXPECT_THAT(parse_csv("\"a\"\"b\",\"c\r\nd\",\"e,f\"\r\n\"\",\"\"\"\"", piece),
                    ElementsAre(row{"a\"b", "c\r\nd", "e,f"}, row{"", "\""}));
        EXPECT_THAT(parse_csv(",\n,,\n\nx,", piece),
                    ElementsAre(row{"", ""}, row{"", "", ""}, row{""}, row{"x", ""}));
        EXPECT_THAT(parse_csv("", piece), ElementsAre());
    }
}

TEST(csv, bad_quotes_cost_one_row) {
    for (const std::size_t piece : {1U, 7U, 1000U}) {
        EXPECT_THAT(parse_csv("a\"b,c\nd\n", piece),
                    ElementsAre(row{"!a quote within a field that is not quoted"}, row{"d"}));
        EXPECT_THAT(parse_csv("\"a\"b,c\nd\n", piece),
                    ElementsAre(row{"!text after a closing quote"}, row{"d"}));
        EXPECT_THAT(parse_csv("a\n\"b,c\nd\ne", piece),
                    ElementsAre(row{"a"}, row{"!a quoted field is never closed"}, row{"d"}, row{"e"}));
        EXPECT_THAT(parse_csv("\"", piece), ElementsAre(row{"!a quoted field is never closed"}));
    }
    const auto rows = parse_csv("x\n\"" + std::string(100000, 'a') + "\ny\n", 5000);
    EXPECT_EQ(rows.front(), row{"x"});
    EXPECT_THAT(rows.at(1).at(0), HasSubstr("longer than 65536 bytes"));
    EXPECT_EQ(rows.back(), row{"y"});
    EXPECT_THAT(parse_csv(std::string(600, ',') + "\n", 100).at(0).at(0), HasSubstr("512 fields"));
}

RC_GTEST_PROP(csv, what_is_written_is_read_in_any_pieces, ()) {
    const auto cell = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab,\"\r\n =中")));
    const auto rows = *rc::gen::resize(12, rc::gen::nonEmpty(rc::gen::container<std::vector<row>>(
                                               rc::gen::nonEmpty(rc::gen::container<row>(cell)))));
    std::string text;
    for (const auto& r : rows) {
        for (std::size_t i = 0; i < r.size(); ++i) {
            if (i) text += ',';
            append_csv_field(text, r[i]);
        }
        text += "\r\n";
    }
    RC_ASSERT(parse_csv(text, *rc::gen::inRange<std::size_t>(1, 20)) == rows);
}

TEST(csv, formulas_are_written_as_text) {
    for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\")"}) {
        std::string out;
        append_csv_text(out, formula);
        EXPECT_TRUE(out.starts_with("\"'")) << out;
    }
    std::string out;
    append_csv_text(out, "宝山 1-2");
    append_csv_text(out, std::string_view("\0", 1));
    EXPECT_EQ(out, std::string("宝山 1-2\0", std::string("宝山 1-2").size() + 1));
}

TEST(id_set, tells_ids_apart) {
    id_set ids;
    EXPECT_TRUE(ids.insert("91330100799655058B"));
    EXPECT_FALSE(ids.insert("91330100799655058B"));
    EXPECT_TRUE(ids.insert("91330100799655058b"));
    EXPECT_TRUE(ids.insert("0"));
    EXPECT_TRUE(ids.insert("00"));
    EXPECT_TRUE(ids.insert("-"));
    EXPECT_TRUE(ids.insert(std::string(21, 'z')));
    EXPECT_TRUE(ids.insert(std::string(24, 'z')));
    EXPECT_FALSE(ids.insert(std::string(24, 'z')));
    EXPECT_EQ(ids.size(), 7U);
}

RC_GTEST_PROP(id_set, agrees_with_a_set_of_texts, ()) {
    const auto id =
        rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("0Az-"))));
    id_set ours;
    std::set<std::string> plain;
    for (const auto& i : *rc::gen::container<std::vector<std::string>>(id))
        if (valid_subject_id(i)) RC_ASSERT(ours.insert(i) == plain.insert(i).second);
}

const std::string csv_header = "id,type,name,as_of,origin,ent.headcount,所属行业,ent.qualifications,出生日期,"
                               "contact_role,contact_phone,contact_openid,contact2_phone\r\n";
const std::string good_enterprise = "91330100799655058B,enterprise,甲公司,2026-11-20,市场监管,35,C3911,"
                                    "高新技术企业；科技型中小企业,,财务,16400000001,oA,16400000002\r\n";
const std::string good_resident = "R00000000000000001,居民,某人,,,,,,1990-01-02,本人,16400000003,,\r\n";

TEST(import, reads_csv_in_any_pieces) {
    const auto text = "\xef\xbb\xbf" + csv_header + good_enterprise + "\r\n" + good_resident;
    for (const std::size_t piece : {1U, 5U, 4096U}) {
        const auto got = read(text, piece);
        ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
        ASSERT_TRUE(got.bad.empty()) << got.bad[0].column << got.bad[0].reason;
        ASSERT_EQ(got.profiles.size(), 2U);
        const auto& e = got.profiles[0];
        EXPECT_EQ(e.id, "91330100799655058B");
        EXPECT_EQ(e.origin, "市场监管");
        EXPECT_EQ(format_date(e.as_of), "2026-11-20");
        EXPECT_THAT(e.contacts,
                    ElementsAre(contact{"财务", "16400000001", "oA"}, contact{"", "16400000002", ""}));
        const auto* q = shared_catalogue().find("ent.qualifications");
        EXPECT_EQ(
            shared_catalogue().decode(*q, e.attributes.value[static_cast<std::size_t>(q->number)]).size(),
            2U);
        const auto& r = got.profiles[1];
        EXPECT_EQ(r.type, subject_type::resident);
        EXPECT_EQ(r.origin, "import");
        EXPECT_EQ(r.as_of, today());
        EXPECT_EQ(r.contacts.size(), 1U);
        EXPECT_EQ(got.counts.rows, 2);
        EXPECT_EQ(got.counts.good, 2);
        EXPECT_EQ(got.counts.enterprises, 1);
        EXPECT_EQ(got.counts.residents, 1);
    }
}

TEST(import, bad_rows_are_told_and_good_ones_go_on) {
    const auto text = csv_header +
                      "91330100799655058A,enterprise,乙,,,1,C39,,,,,,\r\n"              // 2 check character
                      "9144030071526726XG,robot,乙,,,,,,,,,,\r\n"                       // 3 type
                      "9144030071526726XG,enterprise,乙,,,-5,C9999,没有的资质,,,,,\r\n" // 4 three values
                      "9144030071526726XG,enterprise,乙,,,5,C39,,1990-01-02,,,,\r\n"    // 5 of residents
                      "R2,resident,丙,,,,,,1990-13-77,,12345,a b,\r\n"                  // 6 personal values
                      "a,b\r\n"                                                         // 7 fields
                      "9144030071526726XG,enterprise,乙,2026-11-25,,5,C39,,,,,,\r\n"    // 8 the future
                      "9144030071526726XG,enterprise,乙,23/11/2026,,5,C39,,,,,,\r\n"    // 9 date
                      "R3,resident,\"丙\"x,,,,,,,,,,\r\n"                               // 10 quotes
                      "R4,resident,\xff\xfe,,,,,,,,,,\r\n" +                            // 11 bytes
                      good_enterprise +
                      good_enterprise + good_resident; // 12, 13 twice, 14
    const auto got = read(text);
    ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
    ASSERT_EQ(got.profiles.size(), 2U);
    const auto of = [&](std::int64_t number) {
        std::vector<std::string> columns;
        for (const auto& b : got.bad)
            if (b.row == number) columns.push_back(b.column);
        return columns;
    };
    EXPECT_THAT(of(2), ElementsAre("id"));
    EXPECT_THAT(of(3), ElementsAre("type"));
    EXPECT_THAT(of(4), ElementsAre("ent.headcount", "所属行业", "ent.qualifications"));
    EXPECT_THAT(of(5), ElementsAre("出生日期"));
    EXPECT_THAT(of(6), ElementsAre("出生日期", "contact_phone", "contact_openid"));
    EXPECT_THAT(of(7), ElementsAre(""));
    EXPECT_THAT(of(8), ElementsAre("as_of"));
    EXPECT_THAT(of(9), ElementsAre("as_of"));
    EXPECT_THAT(of(10), ElementsAre(""));
    EXPECT_THAT(of(11), ElementsAre(""));
    EXPECT_THAT(of(12), ElementsAre());
    EXPECT_THAT(of(13), ElementsAre("id"));
    EXPECT_THAT(of(14), ElementsAre());
    EXPECT_EQ(got.counts.rows, 13);
    EXPECT_EQ(got.counts.good, 2);
    EXPECT_EQ(got.counts.bad, 11);
    EXPECT_EQ(got.counts.duplicates, 1);
    for (const auto& b : got.bad) {
        EXPECT_FALSE(b.reason.empty());
        EXPECT_FALSE(b.fix.empty()) << b.reason;
        for (const auto* field : {&b.value, &b.reason, &b.fix}) {
            EXPECT_THAT(*field, Not(HasSubstr("1990")));
            EXPECT_THAT(*field, Not(HasSubstr("12345")));
            EXPECT_THAT(*field, Not(HasSubstr("a b")));
        }
    }
    EXPECT_EQ(got.bad[0].value, "91330100799655058A"); // of an enterprise: shown
}

TEST(cells, as_spreadsheets_write_them) {
    for (const auto* date : {"2026-09-04", "2026-9-4", "2026/9/4", "2026/09/04", "2026.9.4", "2026年9月4日",
                             "2026年09月04日", "2026年9月4", "2026/9/4 0:00", "2026-09-04 00:00:00"})
        EXPECT_EQ(date_cell(date), "2026-09-04") << date;
    for (const auto* none : {"", "2026", "2026-9", "9/4/2026", "2026/9-4", "2026/9/4 8:30", "2026/9/40:00",
                             "26/9/4", "2026年9-4", "2026//4", "2026/9/", "20260904", "2026a9a4", "46269"})
        EXPECT_EQ(date_cell(none), none);
    EXPECT_EQ(date_cell("2026/13/99"), "2026-13-99"); // the check refuses it

    for (const auto* phone : {"16412345678", "164 1234 5678", "164-1234-5678", "+86 16412345678",
                              "86-164-1234-5678", "008616412345678", "164\u00a01234\u30005678"})
        EXPECT_EQ(phone_cell(phone), "16412345678") << phone;
    EXPECT_EQ(phone_cell("021-55556666"), "02155556666");
    EXPECT_EQ(phone_cell("86123"), "86123");
    EXPECT_EQ(phone_cell(""), "");

    EXPECT_EQ(code_cell("91330100799655058b"), "91330100799655058B");
    EXPECT_EQ(trimmed("\u00a0\u3000 a b\t\u00a0\n"), "a b");
    EXPECT_EQ(trimmed(" \u3000"), "");
}

TEST(import, takes_what_a_chinese_spreadsheet_exports) {
    const auto got = read("编号,类型,名称,数据日期,出生日期,联系人手机\n"
                          " 91330100799655058b\t, 企业 ,甲公司\u3000,2026年9月14日,,+86 164-1234-5678\n"
                          "R1,居民,某人,2026/9/14,1990/1/2,164 1234 5679\n");
    ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
    ASSERT_TRUE(got.bad.empty()) << got.bad[0].column << got.bad[0].reason;
    ASSERT_EQ(got.profiles.size(), 2U);
    const auto& e = got.profiles[0];
    EXPECT_EQ(e.id, "91330100799655058B");
    EXPECT_EQ(e.name, "甲公司");
    EXPECT_EQ(format_date(e.as_of), "2026-09-14");
    EXPECT_EQ(e.contacts.at(0).phone, "16412345678");
    const auto& r = got.profiles[1];
    EXPECT_EQ(format_date(r.as_of), "2026-09-14");
    EXPECT_EQ(r.contacts.at(0).phone, "16412345679");
    const auto* born = shared_catalogue().find("person.birth_date");
    EXPECT_EQ(shared_catalogue().decode(*born, r.attributes.value[static_cast<std::size_t>(born->number)]),
              "1990-01-02");
}

TEST(import, the_template_is_a_header) {
    std::string text;
    for (const auto& name : chinese_header(shared_catalogue())) text += (text.empty() ? "" : ",") + name;
    const auto got = read(text + "\n");
    EXPECT_TRUE(got.done.has_value()) << got.done.error().text();
    EXPECT_TRUE(text.starts_with("编号,类型,名称,"));
}

TEST(import, a_refusal_told_again_is_the_same_and_of_its_own_column) {
    std::string text = "id,type,name,所属行业,注册地,从业人员\n";
    for (int i = 0; i < 3; ++i) text += "91330100799655058B,enterprise,a,C9999,,1\n";
    text += "91330100799655058B,enterprise,a,,C9999,1\n91330100799655058B,enterprise,a,C39,310113,1\n";
    const auto got = read(text);
    ASSERT_EQ(got.bad.size(), 4U);
    EXPECT_EQ(got.bad[0].reason, got.bad[2].reason);
    EXPECT_EQ(got.bad[0].fix, got.bad[2].fix);
    EXPECT_EQ(got.bad[2].column, "所属行业");
    EXPECT_EQ(got.bad[3].column, "注册地");
    EXPECT_NE(got.bad[3].reason, got.bad[0].reason);
    EXPECT_EQ(got.counts.good, 1);
}

TEST(import, a_bad_first_row_does_not_make_its_good_repetition_a_duplicate) {
    const auto got = read("id,type,name,ent.headcount\n91330100799655058B,enterprise,a,-1\n"
                          "91330100799655058B,enterprise,a,1\n");
    EXPECT_EQ(got.counts.good, 1);
    EXPECT_EQ(got.counts.duplicates, 0);
}

TEST(import, sizes_are_computed_and_mismatches_counted) {
    const auto got = read("id,type,name,所属行业,从业人员,营业收入,企业规模\n"
                          "91330100799655058B,enterprise,a,C3911,35,500,\n"
                          "9144030071526726XG,enterprise,b,C3911,35,500,大型\n");
    ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
    ASSERT_EQ(got.profiles.size(), 2U);
    const auto n = static_cast<std::size_t>(shared_catalogue().find("ent.size")->number);
    EXPECT_EQ(got.profiles[0].attributes.value[n], 3);
    EXPECT_EQ(got.profiles[1].attributes.value[n], 1);
    EXPECT_EQ(got.counts.sizes_computed, 1);
    EXPECT_EQ(got.counts.sizes_differ, 1);
}

TEST(import, headers_that_cannot_be_read_stop_the_file) {
    const auto why = [](std::string_view text) {
        const auto got = read(text);
        EXPECT_FALSE(got.done.has_value()) << text;
        EXPECT_TRUE(got.profiles.empty());
        return got.done ? "" : got.done.error().text();
    };
    EXPECT_THAT(why("id,type,name,ent.headcuont\n"), HasSubstr("near it are ent.headcount"));
    EXPECT_THAT(why("id,type,name,ent.headcount,从业人员\n"), HasSubstr("says the same as 'ent.headcount'"));
    std::string many = "id,type,name";
    for (int i = 0; i < 30; ++i) many += ",column" + std::to_string(i);
    EXPECT_THAT(why(many + "\n"), HasSubstr("and 22 more columns are not known"));
    EXPECT_THAT(why("id,name\n"), HasSubstr("no column 'type'"));
    EXPECT_THAT(why("id;type;name\n"), HasSubstr("commas"));
    EXPECT_THAT(why("id,type,name,contact17_phone\n"), HasSubstr("contact17_phone"));
    EXPECT_THAT(why("id,type,name,contact_phone,contact1_phone\n"), HasSubstr("says the same"));
    EXPECT_THAT(why("\"id,type\n"), HasSubstr("never closed"));
    EXPECT_THAT(why(""), HasSubstr("empty"));
    EXPECT_THAT(why("\xef\xbb\xbf"), HasSubstr("empty"));
}

TEST(import, a_label_of_both_types_goes_by_the_row) {
    const auto got =
        read("id,type,name,参保地\n91330100799655058B,enterprise,a,310113\nR1,resident,b,310113003\n");
    ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
    ASSERT_EQ(got.profiles.size(), 2U);
    EXPECT_TRUE(got.profiles[0].attributes.has(shared_catalogue().find("ent.insured_division")->number));
    EXPECT_TRUE(got.profiles[1].attributes.has(shared_catalogue().find("person.insured_division")->number));
}

TEST(import, other_encodings_are_named_with_the_fix) {
    const auto why = [](std::string text, std::size_t piece) {
        const auto got = read(text, piece);
        EXPECT_FALSE(got.done.has_value());
        EXPECT_TRUE(got.profiles.empty());
        return got.done ? "" : got.done.error().text();
    };
    const std::string gbk_name = "\xbc\xd7\xb9\xab\xcb\xbe"; // 甲公司
    for (const std::size_t piece : {1U, 4096U}) {
        EXPECT_THAT(why("id,type,name\n91330100799655058B,enterprise," + gbk_name + "\n", piece),
                    HasSubstr("iconv -f GBK -t UTF-8"));
        EXPECT_THAT(why("id,type," + gbk_name + "\n", piece), HasSubstr("iconv -f GBK -t UTF-8"));
        EXPECT_THAT(why(std::string("\xff\xfei\0d\0", 6), piece), HasSubstr("UTF-16"));
        EXPECT_THAT(why("PK\x03\x04 sheet", piece), HasSubstr("workbook"));
        EXPECT_THAT(why(std::string("id,type\0", 8), piece), HasSubstr("zero bytes"));
    }
    // Far behind the part that is looked at first, the row says so.
    std::string late = "id,type,name\n";
    while (late.size() < 200000) late += "robot,robot,robot\n";
    late += "R7,resident," + gbk_name + "\n";
    const auto got = read(late, 4096);
    ASSERT_TRUE(got.done.has_value());
    EXPECT_THAT(got.bad.back().fix, HasSubstr("iconv -f GBK"));
}

TEST(import, one_broken_byte_in_utf8_is_no_gbk) {
    const auto got = read("id,type,name\nR1,resident,政策政策\nR2,resident,\xb0\xa1\nR3,resident,政策\n");
    ASSERT_TRUE(got.done.has_value());
    EXPECT_EQ(got.counts.good, 2);
    EXPECT_EQ(got.counts.bad, 1);
}

TEST(import, utf8_cut_at_the_end_of_the_first_part_is_no_error) {
    for (int shift = 0; shift < 4; ++shift) {
        std::string text = "id,type,name\n" + std::string(static_cast<std::size_t>(shift), '\n');
        while (text.size() < 70000) text += "R1,resident,名名名名\n";
        const auto got = read(text);
        ASSERT_TRUE(got.done.has_value());
        EXPECT_EQ(got.counts.good, 1);
        EXPECT_EQ(got.counts.duplicates, got.counts.rows - 1);
    }
}

TEST(import, json_lines) {
    const std::string good = R"({"schema":"zhida.profile/1","id":"R1","type":"resident","attributes":{}})";
    const auto text =
        good + "\n\n{\"schema\":\n" +
        R"({"schema":"zhida.profile/1","id":"R2","type":"resident","name":"张三丰","attributes":)" +
        R"({"person.birth_date":"canary","person.nothing":"canary"},"contacts":[{"phone":"13800canary"}]})" +
        "\n" + good + "\r\n" + R"({"id":)" + "\"" + std::string(70000, 'a') + "\"}\n" +
        "{\"id\":\"\xff\"}\n" + R"({"schema":"zhida.profile/1","id":"R3","type":"resident","attributes":{}})";
    for (const std::size_t piece : {3U, 100000U}) {
        const auto got = read(text, piece);
        ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
        EXPECT_EQ(got.counts.rows, 7);
        EXPECT_EQ(got.counts.good, 2);
        EXPECT_EQ(got.counts.bad, 5);
        EXPECT_EQ(got.counts.duplicates, 1);
        ASSERT_EQ(got.profiles.size(), 2U);
        EXPECT_EQ(got.profiles[1].id, "R3");
        EXPECT_EQ(got.profiles[1].origin, "import");
        EXPECT_EQ(got.profiles[1].as_of, today());
        EXPECT_EQ(got.bad[0].row, 3);
        EXPECT_EQ(got.bad[1].row, 4);
        EXPECT_EQ(got.bad[1].column, "/attributes/person.birth_date");
        for (const auto& b : got.bad)
            for (const auto* field : {&b.value, &b.reason, &b.fix})
                EXPECT_THAT(*field, Not(HasSubstr("canary")));
    }
}

TEST(import, json_that_is_no_lines_is_given_up_early) {
    std::string text = "{\"schema\": \"";
    text += std::string(2 << 20, 'x');
    EXPECT_FALSE(read(text, 65536).done.has_value());
    EXPECT_FALSE(read("[1,2]").done.has_value()); // read as CSV: no such columns
}

// A file of what the program itself writes reads back as it was.
RC_GTEST_PROP(import, json_lines_round_trip, ()) {
    profile p;
    p.id = "R1";
    p.type = subject_type::resident;
    p.name = *rc::gen::element<std::string>("甲", "");
    p.origin = "synthetic";
    p.as_of = today() - *rc::gen::inRange(0, 400);
    p.attributes.set(shared_catalogue().find("person.children")->number, *rc::gen::inRange(0, 20));
    const auto got = read(to_text(matching::write_profile_document(p, shared_catalogue())) + "\n",
                          *rc::gen::inRange<std::size_t>(1, 50));
    RC_ASSERT(got.profiles == std::vector<profile>{p});
}

TEST(import_report, is_safe_to_open) {
    EXPECT_EQ(report_text({{7, "名称", "=cmd|'/C calc'!A0", "a, b", "say \"x\""}, {8, "", "", "@x", ""}}),
              "7,名称,\"'=cmd|'/C calc'!A0\",\"a, b\",\"say \"\"x\"\"\"\r\n8,,,\"'@x\",\r\n");
    EXPECT_TRUE(report_header().starts_with("\xef\xbb\xbf"));
}

TEST(import_report, says_the_reason_in_chinese_first) {
    const auto got =
        read("编号,类型,名称,从业人员,联系人手机\nx,企业,甲,多,110\ny,人,乙,,\n,居民,丙,1,\nz\n");
    ASSERT_TRUE(got.done.has_value()) << got.done.error().text();
    ASSERT_EQ(got.bad.size(), 7U);
    for (const auto& b : got.bad) EXPECT_THAT(report_text({b}), HasSubstr(" · " + b.reason)) << b.reason;
    EXPECT_EQ(report_text({{2, "联系人手机", "***", "not a mainland mobile number", ""}}),
              "2,联系人手机,***,不是大陆手机号码 · not a mainland mobile number,\r\n");
}

TEST(profile_feed, says_what_is_still_to_be_applied) {
    EXPECT_EQ(still_waiting({}, {}), "");
    EXPECT_EQ(still_waiting({5, 0, 9}, {5, 0, 12}), "");
    EXPECT_EQ(still_waiting({5, 0, 9}, {4, 0, 9}), "1 event of 1 shard (s00)");
    EXPECT_EQ(still_waiting({5, 0, 9}, {}), "14 events of 2 shards (s00, s02)");
    EXPECT_EQ(still_waiting(std::vector<std::int64_t>(20, 1), {}),
              "20 events of 20 shards (s00, s01, s02, s03, s04 ...)");
}

} // namespace
} // namespace zhida::profiles
