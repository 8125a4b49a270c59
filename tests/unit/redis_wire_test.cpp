#include "common/io/redis_wire.hpp"

#include "common/io/redis_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::io {
namespace {

using testing::HasSubstr;
using kind = redis_reply::kind;

TEST(redis_command, is_an_array_of_bulk_strings) {
    std::string wire;
    append_command(wire, {"SET", std::string("k\0\r\n", 4), ""});
    EXPECT_EQ(wire, std::string("*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n", 29));
}

std::string encoded(const redis_reply& r) {
    switch (r.type) {
    case kind::nil:
        return "$-1\r\n";
    case kind::integer:
        return ":" + std::to_string(r.integer) + "\r\n";
    case kind::error:
        return "-" + r.text + "\r\n";
    case kind::text:
        return "$" + std::to_string(r.text.size()) + "\r\n" + r.text + "\r\n";
    case kind::array:
        break;
    }
    std::string out = "*" + std::to_string(r.items.size()) + "\r\n";
    for (const auto& item : r.items) out += encoded(item);
    return out;
}

bool same(const redis_reply& a, const redis_reply& b) {
    if (a.type != b.type || a.integer != b.integer || a.text != b.text || a.items.size() != b.items.size())
        return false;
    for (std::size_t i = 0; i < a.items.size(); ++i)
        if (!same(a.items[i], b.items[i])) return false;
    return true;
}

redis_reply any_reply(int depth) {
    redis_reply r;
    switch (*rc::gen::inRange(0, depth > 0 ? 5 : 4)) {
    case 0:
        break;
    case 1:
        r.type = kind::integer;
        r.integer = *rc::gen::arbitrary<std::int64_t>();
        break;
    case 2:
        r.type = kind::text;
        r.text = *rc::gen::arbitrary<std::string>();
        break;
    case 3:
        r.type = kind::error;
        r.text = "ERR " + *rc::gen::container<std::string>(rc::gen::inRange('a', 'z'));
        break;
    default:
        r.type = kind::array;
        for (int i = *rc::gen::inRange(0, 5); i > 0; --i) r.items.push_back(any_reply(depth - 1));
    }
    return r;
}

RC_GTEST_PROP(redis_reply_reader, reads_what_was_written_in_pieces_of_any_size, ()) {
    std::vector<redis_reply> sent;
    std::string wire;
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
        sent.push_back(any_reply(4));
        wire += encoded(sent.back());
    }
    redis_reply_reader reader;
    std::vector<redis_reply> got;
    while (!wire.empty()) {
        const auto size = std::min(wire.size(), *rc::gen::inRange<std::size_t>(1, 40));
        reader.feed(std::string_view(wire).substr(0, size));
        wire.erase(0, size);
        for (;;) {
            auto reply = reader.next();
            RC_ASSERT(reply.has_value());
            if (!*reply) break;
            got.push_back(std::move(**reply));
        }
    }
    RC_ASSERT(got.size() == sent.size());
    for (std::size_t i = 0; i < got.size(); ++i) RC_ASSERT(same(got[i], sent[i]));
}

failure read_failure(std::string_view wire, redis_reply_limits limits = {}) {
    redis_reply_reader reader(limits);
    reader.feed(wire);
    const auto reply = reader.next();
    return reply ? failure{errc::cancelled, "no failure", "", ""} : reply.error();
}

TEST(redis_reply_reader, refuses_what_is_not_the_protocol) {
    EXPECT_EQ(read_failure("HTTP/1.1 200 OK\r\n").code, errc::invalid);
    EXPECT_EQ(read_failure("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n").code,
              errc::invalid);
}

TEST(redis_reply_reader, bounds_a_reply) {
    EXPECT_EQ(read_failure("*2000000000\r\n").code, errc::exhausted);
    EXPECT_EQ(read_failure("*3\r\n:1\r\n:2\r\n:3\r\n", {1 << 20, 2}).code, errc::exhausted);
    EXPECT_EQ(read_failure("*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n:1\r\n", {1 << 20, 4}).code, errc::exhausted);
    EXPECT_EQ(read_failure("$9\r\n123456789\r\n", {8, 10}).code, errc::exhausted);
    // A value whose end has not come yet.
    EXPECT_EQ(read_failure("$100\r\n123456789", {8, 10}).code, errc::exhausted);
    EXPECT_EQ(read_failure("*3\r\n:1\r\n:2\r\n:3\r\n", {1 << 20, 3}).code, errc::cancelled);
}

TEST(redis_reply_reader, the_bounds_are_of_each_reply) {
    redis_reply_reader reader({64, 3});
    for (int i = 0; i < 100; ++i) {
        reader.feed("*3\r\n:1\r\n$3\r\nabc\r\n:3\r\n");
        const auto reply = reader.next();
        ASSERT_TRUE(reply && *reply) << i;
        EXPECT_EQ((*reply)->items[1].text, "abc");
    }
}

TEST(redis_url, has_all_its_parts) {
    const auto full = parse_redis_url("redis://zhida:p%40ss@redis.example:6380/3");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->host, "redis.example");
    EXPECT_EQ(full->port, "6380");
    EXPECT_EQ(full->user, "zhida");
    EXPECT_EQ(full->password, "p@ss");
    EXPECT_EQ(full->db, 3);
    const auto only_password = parse_redis_url("redis://:secret@127.0.0.1");
    ASSERT_TRUE(only_password);
    EXPECT_EQ(only_password->user, "");
    EXPECT_EQ(only_password->password, "secret");
    EXPECT_EQ(only_password->port, "6379");
    EXPECT_EQ(only_password->db, 0);
    EXPECT_EQ(parse_redis_url("redis://[::1]:7000/")->host, "::1");
}

TEST(redis_url, says_what_is_wrong_and_not_the_password) {
    for (const auto* url :
         {"", "127.0.0.1:6379", "rediss://h/0", "http://h:1/0", "redis:///0", "redis://h:99999/0",
          "redis://h:0/0", "redis://h/x", "redis://h/-1", "redis://h/1/2", "redis://user@h/0",
          "redis://u:s3cret@h/0?a=b", "redis://u:s3cret@h/zero"}) {
        const auto parsed = parse_redis_url(url);
        ASSERT_FALSE(parsed) << url;
        EXPECT_EQ(parsed.error().code, errc::invalid);
        EXPECT_THAT(parsed.error().text(), HasSubstr("redis.url"));
        EXPECT_THAT(parsed.error().text(), Not(HasSubstr("s3cret")));
    }
}

} // namespace
} // namespace zhida::io
