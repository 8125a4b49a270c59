#include "services/portal/form.hpp"
#include "services/portal/paging.hpp"

#include <gtest/gtest.h>

namespace zhida::portal {
namespace {

std::string part(const std::string& head, const std::string& value) {
    return "--XX\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + value + "\r\n";
}
constexpr const char* multipart = "multipart/form-data; boundary=XX";

TEST(portal_form, url_encoded) {
    const auto f =
        decode_form_body("application/x-www-form-urlencoded; charset=utf-8", "a=1&b=%E6%94%BF+%E7%AD%96");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->at("b"), "政 策");
}

TEST(portal_form, multipart_fields_and_files) {
    const auto f = decode_form_body(
        multipart, part("name=\"document\"", "{\r\n}") +
                       part("name=\"file\"; filename=\"政\\\"策.json\"\r\nContent-Type: x", "--XY\r\n--X") +
                       "--XX--\r\n");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->at("document"), "{\r\n}");
    EXPECT_EQ(f->at("file"), "--XY\r\n--X");
}

TEST(portal_form, a_file_that_was_not_chosen_is_no_value) {
    const auto f = decode_form_body(multipart, part("name=\"file\"; filename=\"\"", "") + "--XX--");
    ASSERT_TRUE(f);
    EXPECT_FALSE(f->contains("file"));
}

TEST(portal_form, broken_bodies_are_refused) {
    EXPECT_FALSE(decode_form_body("text/plain", "a=1"));
    EXPECT_FALSE(decode_form_body("", ""));
    EXPECT_FALSE(decode_form_body("multipart/form-data", "--XX--"));
    EXPECT_FALSE(decode_form_body("multipart/form-data; boundary=", "----"));
    const auto good = part("name=\"a\"", "1") + "--XX--";
    for (std::size_t cut = 0; cut < good.size(); ++cut)
        EXPECT_FALSE(decode_form_body(multipart, good.substr(0, cut))) << cut;
    EXPECT_FALSE(decode_form_body(multipart, part("filename=\"a\"", "1") + "--XX--"));
    EXPECT_FALSE(decode_form_body(multipart, part("name=\"a\"", "\xff") + "--XX--"));
    std::string many;
    for (int i = 0; i < 100; ++i) many += part("name=\"a\"", "1");
    EXPECT_FALSE(decode_form_body(multipart, many + "--XX--"));
}

TEST(portal_paging, cursors_come_back_and_foreign_ones_do_not) {
    io::http_request r;
    r.query = {{"cursor", cursor_of(1234567890123)}, {"limit", "7"}};
    const auto p = read_paging(r);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->before_ms, 1234567890123);
    EXPECT_EQ(p->limit, 7u);
    for (const char* bad : {"0", "-1", "201", "x", "", "1.5"}) {
        r.query = {{"limit", bad}};
        EXPECT_FALSE(read_paging(r)) << bad;
    }
    for (const char* bad : {"", "zz", "62", "6230", "622d31"}) {
        r.query = {{"cursor", bad}};
        EXPECT_FALSE(read_paging(r)) << bad;
    }
}

} // namespace
} // namespace zhida::portal
