// What only the driver on Redis Streams has: one consumer a group, and trimming.
#include "common/base/process_identity.hpp"
#include "common/io/redis.hpp"
#include "common/io/redis_lease.hpp"
#include "common/io/redis_log.hpp"
#include "common/io/redis_log_schema.hpp"
#include "tests/support/event_log_fixture.hpp"

#include <gmock/gmock.h>

namespace zhida::io {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace schema = redis_log_schema;

class redis_log_test : public tests::event_log_fixture {
  protected:
    redis_log_test()
        : tests::event_log_fixture("redis"), redis_(loop_.executor(), {tests::redis_url(), 5s}) {}

    redis_reply command(redis_args args) {
        auto answer = run(redis_.command(std::move(args)));
        if (!answer) throw std::runtime_error(answer.error().text());
        return std::move(*answer);
    }
    // As if a process with this identity held the group.
    void hold(const std::string& group, const std::string& identity, int ms) {
        command({"SET", schema::lease_key(group), identity + "#1", "PX", std::to_string(ms)});
    }

    redis redis_;
};

TEST_F(redis_log_test, a_second_consumer_of_a_group_is_a_conflict) {
    auto log = open(), other = open();
    const auto topic = make_topic(*log, 2), group = unique_group();
    append_numbers(*log, topic, 2, 0, 10);
    auto first = log->subscribe(group, {topic});
    EXPECT_EQ(consume(*first, 10).size(), 10U);
    auto second = other->subscribe(group, {topic});
    const auto refused = run(second->next());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::conflict);
    EXPECT_THAT(refused.error().text(), HasSubstr(group));
    EXPECT_THAT(refused.error().text(), HasSubstr("process " + std::to_string(::getpid())));
    // It has its turn when the first one leaves.
    first->store({topic, 0}, 5);
    first->store({topic, 1}, 5);
    run(first->close());
    append_numbers(*log, topic, 2, 10, 2);
    EXPECT_EQ(consume(*second, 2).front().offset, 5);
    run(log->close());
    close(*second, *other);
}

TEST_F(redis_log_test, the_group_of_a_dead_process_is_taken_over_at_once) {
    auto log = open();
    const auto topic = make_topic(*log, 1), group = unique_group();
    auto dead = process_identity();
    dead += "0"; // this pid, another start time
    hold(group, dead, 10000);
    auto consumer = log->subscribe(group, {topic});
    const auto begin = std::chrono::steady_clock::now();
    await_assigned(*consumer);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    close(*consumer, *log);
    EXPECT_TRUE(command({"GET", schema::lease_key(group)}).is_nil());
}

TEST_F(redis_log_test, the_group_of_another_machine_is_waited_for_until_its_lease_runs_out) {
    auto log = open();
    const auto topic = make_topic(*log, 1), group = unique_group();
    hold(group, "elsewhere/pid:[1]/7/99", 1500);
    auto consumer = log->subscribe(group, {topic});
    await_assigned(*consumer);
    // One that renews lives.
    const auto live = unique_group();
    hold(live, "elsewhere/pid:[1]/7/99", 5000);
    auto refused = log->subscribe(live, {topic});
    loop_.run_for(200ms);
    hold(live, "elsewhere/pid:[1]/7/99", 60000);
    const auto answer = run(refused->next());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, errc::conflict);
    EXPECT_THAT(answer.error().text(), HasSubstr("another machine"));
    run(refused->close());
    close(*consumer, *log);
}

TEST_F(redis_log_test, whoever_lost_the_group_stores_nothing_and_is_told) {
    auto log = open();
    const auto topic = make_topic(*log, 1), group = unique_group();
    append_numbers(*log, topic, 1, 0, 5);
    auto consumer = log->subscribe(group, {topic});
    EXPECT_EQ(consume(*consumer, 5).size(), 5U);
    hold(group, "elsewhere/pid:[1]/7/99", 60000); // we were stopped for longer than the lease, say
    consumer->store({topic, 0}, 5);
    const auto event = run(consumer->next());
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<revoked>(*event));
    EXPECT_EQ(std::get<revoked>(*event).partitions.front(), (topic_partition{topic, 0}));
    const auto why = run(consumer->next());
    ASSERT_FALSE(why);
    EXPECT_EQ(why.error().code, errc::conflict);
    EXPECT_EQ(run(log->stored_offsets(group, topic)).value().front(), 0);
    close(*consumer, *log);
}

TEST_F(redis_log_test, a_consumer_dropped_without_a_close_gives_its_group_back) {
    auto log = open();
    const auto topic = make_topic(*log, 1), group = unique_group();
    for (int i = 0; i < 3; ++i) {
        auto consumer = log->subscribe(group, {topic});
        EXPECT_EQ(await_assigned(*consumer).size(), 1U);
        consumer.reset();
        loop_.run_for(50ms);
    }
    EXPECT_TRUE(command({"GET", schema::lease_key(group)}).is_nil());
    run(log->close());
}

TEST_F(redis_log_test, trims_by_time_what_every_group_has_stored) {
    redis_log log(loop_.executor(), settings_);
    const auto topic = unique_group(), group = unique_group();
    ASSERT_TRUE(run(log.ensure({{topic, 1, 60000}})));
    append_numbers(log, topic, 1, 0, 2000);
    const auto now = system_clock().now();
    const auto length = [&] { return command({"XLEN", schema::stream_key({topic, 0})}).integer; };

    auto consumer = log.subscribe(group, {topic});
    consume(*consumer, 2000);
    EXPECT_EQ(run(log.trim(now + 30s)).value(), 0) << "not old enough";
    EXPECT_EQ(run(log.trim(now + 120s)).value(), 0) << "the group has stored nothing";
    consumer->store({topic, 0}, 1000);
    ASSERT_TRUE(eventually([&] { return run(log.stored_offsets(group, topic)).value().front() == 1000; }));
    EXPECT_EQ(run(log.trim(now + 30s)).value(), 0);
    const auto gone = run(log.trim(now + 120s)).value();
    EXPECT_GE(gone, 900);
    EXPECT_LE(gone, 1000);
    EXPECT_EQ(length(), 2000 - gone);
    consumer->store({topic, 0}, 2000);
    ASSERT_TRUE(eventually([&] { return run(log.stored_offsets(group, topic)).value().front() == 2000; }));
    EXPECT_GT(run(log.trim(now + 120s)).value(), 0);
    EXPECT_EQ(run(log.end_offsets(topic)).value().front(), 2000);
    // Offsets go on, and one who begins at the start gets what is left.
    append_numbers(log, topic, 1, 2000, 1);
    EXPECT_EQ(more(*consumer, 1).front().offset, 2000);
    auto late = log.subscribe(unique_group(), {topic});
    EXPECT_GE(consume(*late, 1).front().offset, 1900);
    run(late->close());
    close(*consumer, log);
}

TEST_F(redis_log_test, what_others_wrote_is_skipped_and_the_rest_comes) {
    auto log = open();
    const auto topic = make_topic(*log, 1);
    append_numbers(*log, topic, 1, 0, 2);
    command({"XADD", schema::stream_key({topic, 0}), "0-*", "foreign", "1"});
    append_numbers(*log, topic, 1, 3, 2);
    auto consumer = log->subscribe(unique_group(), {topic});
    const auto records = consume(*consumer, 4);
    EXPECT_EQ(records[2].offset, 3);
    close(*consumer, *log);
}

TEST_F(redis_log_test, a_place_beyond_the_end_goes_back_to_the_end) {
    auto log = open();
    const auto topic = make_topic(*log, 1), group = unique_group();
    command({"HSET", schema::offsets_key(group), schema::field({topic, 0}), "10"}); // Redis lost the tail
    append_numbers(*log, topic, 1, 0, 3);
    auto consumer = log->subscribe(group, {topic});
    await_assigned(*consumer);
    append_numbers(*log, topic, 1, 3, 1);
    EXPECT_EQ(more(*consumer, 1).front().offset, 3);
    close(*consumer, *log);
}

} // namespace
} // namespace zhida::io
