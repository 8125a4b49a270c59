#include "common/io/redis_log_schema.hpp"

#include "common/base/process_identity.hpp"

#include <unistd.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::io {
namespace {

namespace schema = redis_log_schema;

redis_reply text(std::string value) {
    redis_reply r;
    r.type = redis_reply::kind::text;
    r.text = std::move(value);
    return r;
}
redis_reply array(std::vector<redis_reply> items) {
    redis_reply r;
    r.type = redis_reply::kind::array;
    r.items = std::move(items);
    return r;
}

RC_GTEST_PROP(redis_log_schema, a_record_is_what_was_appended, ()) {
    const log_message m{"topic", 3, *rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::string>(),
                        *rc::gen::arbitrary<log_headers>()};
    const auto args = schema::append_args(m, 1700000000123);
    std::vector<redis_reply> fields;
    for (std::size_t i = 3; i < args.size(); ++i) fields.push_back(text(args[i]));
    const auto record = schema::record_of({"topic", 3}, array({text("0-8"), array(std::move(fields))}));
    RC_ASSERT(record.has_value());
    RC_ASSERT(record->offset == 7);
    RC_ASSERT(record->timestamp_ms == 1700000000123);
    RC_ASSERT(record->key == m.key);
    RC_ASSERT(record->value == m.value);
    RC_ASSERT(record->headers == m.headers);
}

TEST(redis_log_schema, names_the_stream_after_the_partition) {
    const auto args = schema::append_args({"zhida.profile", 7, "k", "v", {}}, 1);
    EXPECT_EQ(args[1], "log:{zhida.profile/7}");
    EXPECT_EQ(args[2], "0-*");
}

TEST(redis_log_schema, ids_are_offsets) {
    EXPECT_EQ(*schema::offset_of("0-1"), 0);
    EXPECT_EQ(*schema::offset_of("0-9007199254740993"), 9007199254740992);
    EXPECT_EQ(schema::id_before(0), "0-0");
    for (const auto* id : {"", "0-0", "1-1", "0-", "0-x", "0-1x", "1700000000-0"})
        EXPECT_FALSE(schema::offset_of(id)) << id;
}

TEST(redis_log_schema, refuses_foreign_entries) {
    const auto entry = [](std::string id, std::vector<redis_reply> fields) {
        return schema::record_of({"t", 0}, array({text(std::move(id)), array(std::move(fields))}))
            .has_value();
    };
    EXPECT_TRUE(entry("0-1", {text("t"), text("5"), text("k"), text(""), text("v"), text("")}));
    EXPECT_FALSE(entry("5-1", {text("t"), text("5"), text("k"), text(""), text("v"), text("")}));
    EXPECT_FALSE(entry("0-1", {text("t"), text("now"), text("k"), text(""), text("v"), text("")}));
    EXPECT_FALSE(entry("0-1", {text("t"), text("5"), text("v"), text(""), text("k"), text("")}));
    EXPECT_FALSE(entry("0-1", {text("t"), text("5"), text("k"), text("")}));
    EXPECT_FALSE(entry("0-1", {text("t"), text("5"), text("k"), text(""), text("v"), text(""), text("x")}));
    EXPECT_FALSE(
        entry("0-1", {text("t"), text("5"), text("k"), text(""), text("v"), text(""), text("x"), text("")}));
    EXPECT_FALSE(schema::record_of({"t", 0}, text("0-1")).has_value());
}

TEST(process_identity, tells_the_living_from_the_dead) {
    const auto own = process_identity();
    EXPECT_EQ(own, process_identity());
    EXPECT_EQ(state_of(own), process_state::alive);
    EXPECT_EQ(state_of(own + "1"), process_state::dead);    // this pid, used again
    EXPECT_EQ(state_of("x" + own), process_state::unknown); // another boot
    EXPECT_EQ(state_of(""), process_state::unknown);
    EXPECT_EQ(state_of("a/b/../c"), process_state::unknown);
    EXPECT_NE(describe_process(own).find(std::to_string(::getpid())), std::string::npos);
}

} // namespace
} // namespace zhida::io
