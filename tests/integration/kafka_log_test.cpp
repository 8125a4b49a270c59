// What only the driver on Kafka has: partitions shared among the members of a group.
#include "tests/support/event_log_fixture.hpp"

#include "common/io/spawn.hpp"

#include <gmock/gmock.h>

namespace zhida::io {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class kafka_log_test : public tests::event_log_fixture {
  protected:
    kafka_log_test() : tests::event_log_fixture("kafka") {}

    // A member that does its work as it comes: reads, and stores what it read.
    struct member {
        std::unique_ptr<log_consumer> consumer;
        std::set<topic_partition> owned;
        std::map<topic_partition, std::int64_t> first; // offset with which its turn with a partition began
        std::map<topic_partition, std::int64_t> next;
        std::size_t records = 0, assignments = 0;
    };
    static asio::awaitable<void> work(std::shared_ptr<member> m) {
        for (;;) {
            auto event = co_await m->consumer->next();
            if (!event) {
                if (event.error().code == errc::cancelled) co_return;
                continue;
            }
            if (auto* a = std::get_if<assigned>(&*event)) {
                ++m->assignments;
                m->owned.insert(a->partitions.begin(), a->partitions.end());
                for (const auto& p : a->partitions) m->first.erase(p);
            } else if (auto* r = std::get_if<revoked>(&*event)) {
                for (const auto& p : r->partitions) m->owned.erase(p);
            } else {
                for (const auto& record : std::get<std::vector<log_record>>(*event)) {
                    const topic_partition p{record.topic, record.partition};
                    if (!m->owned.contains(p))
                        throw std::runtime_error("a record of somebody else's partition");
                    m->first.try_emplace(p, record.offset);
                    m->next[p] = record.offset + 1;
                    m->consumer->store(p, record.offset + 1);
                    ++m->records;
                }
            }
        }
    }
    std::shared_ptr<member> join(event_log& log, const std::string& group, const std::string& topic) {
        auto m = std::make_shared<member>();
        m->consumer = log.subscribe(group, {topic});
        spawn(loop_.executor(), work(m));
        return m;
    }
};

TEST_F(kafka_log_test, members_share_the_partitions_and_take_over) {
    auto log = open(), other = open();
    const auto topic = make_topic(*log, 4), group = unique_group();
    append_numbers(*log, topic, 4, 0, 400);
    auto a = join(*log, group, topic);
    ASSERT_TRUE(eventually([&] { return a->records == 400; }));
    EXPECT_EQ(a->owned.size(), 4U);

    auto b = join(*other, group, topic);
    ASSERT_TRUE(eventually([&] { return a->owned.size() == 2 && b->owned.size() == 2; }));
    for (const auto& p : a->owned) EXPECT_FALSE(b->owned.contains(p));
    append_numbers(*log, topic, 4, 400, 400);
    ASSERT_TRUE(eventually([&] { return a->records + b->records == 800; }));
    // What the first had stored at its revocation is where the second began: nothing twice, nothing lost.
    for (const auto& [p, offset] : b->first) EXPECT_EQ(offset, 100);
    EXPECT_EQ(b->records, 200U);

    run(a->consumer->close());
    ASSERT_TRUE(eventually([&] { return b->owned.size() == 4; }));
    append_numbers(*log, topic, 4, 800, 400);
    ASSERT_TRUE(eventually([&] { return b->records == 600; }));
    for (const auto& [p, offset] : b->first) EXPECT_EQ(offset, 200);
    run(b->consumer->close());
    EXPECT_EQ(run(log->stored_offsets(group, topic)).value(),
              (std::vector<std::int64_t>{300, 300, 300, 300}));
    run(log->close());
    run(other->close());
}

TEST_F(kafka_log_test, nobody_else_gets_a_partition_before_its_work_is_finished) {
    auto log = open(), other = open();
    const auto topic = make_topic(*log, 2), group = unique_group();
    append_numbers(*log, topic, 2, 0, 20);
    auto first = log->subscribe(group, {topic});
    EXPECT_EQ(consume(*first, 20).size(), 20U);

    auto second = join(*other, group, topic);
    auto event = run(first->next());
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<revoked>(*event));
    EXPECT_EQ(std::get<revoked>(*event).partitions.size(), 2U);
    // The work is not finished yet: it takes a while, and then its offsets are stored.
    loop_.run_for(1500ms);
    EXPECT_EQ(second->assignments, 0U);
    first->store({topic, 0}, 4);
    first->store({topic, 1}, 6);
    event = run(first->next());
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<assigned>(*event));
    ASSERT_TRUE(eventually([&] { return second->owned.size() == 1; }));
    const auto p = *second->owned.begin();
    ASSERT_TRUE(eventually([&] { return second->next[p] == 10; }));
    EXPECT_EQ(second->first[p], p.partition == 0 ? 4 : 6);
    run(second->consumer->close());
    run(other->close());
    close(*first, *log);
}

TEST_F(kafka_log_test, the_partitions_of_a_crashed_member_are_taken_over) {
    auto log = open(), other = open();
    const auto topic = make_topic(*log, 2), group = unique_group();
    append_numbers(*log, topic, 2, 0, 20);
    {
        auto crashed = log->subscribe(group, {topic});
        EXPECT_EQ(consume(*crashed, 20).size(), 20U);
        crashed->store({topic, 0}, 10);
        ASSERT_TRUE(eventually([&] { return run(log->stored_offsets(group, topic)).value().front() == 10; }));
    } // without a close
    const auto begin = std::chrono::steady_clock::now();
    auto next = join(*other, group, topic);
    ASSERT_TRUE(eventually([&] { return next->records == 10; }, 25s));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
    EXPECT_EQ((next->first[{topic, 1}]), 0);
    run(next->consumer->close());
    run(log->close());
    run(other->close());
}

TEST_F(kafka_log_test, a_replication_factor_that_cannot_be_met_is_refused) {
    settings_.kafka.replication_factor = 3;
    auto log = open();
    const auto made = run(log->ensure({{unique_group(), 1, -1}}));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::refused);
    EXPECT_THAT(made.error().text(), HasSubstr("kafka.replication_factor"));
    run(log->close());
}

TEST_F(kafka_log_test, settings_that_cannot_be_are_named) {
    settings_.kafka.security_protocol = "ssl";
    settings_.kafka.ssl_ca_file = "/no/such/ca.pem";
    auto log = open();
    const auto made = run(log->ensure({{unique_group(), 1, -1}}));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::invalid);
    EXPECT_THAT(made.error().text(), HasSubstr("ssl.ca.location"));
    auto consumer = log->subscribe(unique_group(), {"t"});
    EXPECT_EQ(run(consumer->next()).error().code, errc::invalid);
    close(*consumer, *log);
}

TEST_F(kafka_log_test, more_messages_than_the_producer_holds_wait_for_room) {
    auto log = open();
    const auto topic = make_topic(*log, 4);
    std::vector<log_message> messages;
    for (int i = 0; i < 250000; ++i) messages.push_back({topic, i % 4, "", "v", {}});
    const auto offsets = run(log->append_all(std::move(messages)));
    ASSERT_TRUE(offsets) << offsets.error().text();
    for (std::size_t i = 0; i < 250000; ++i) ASSERT_EQ((*offsets)[i], static_cast<std::int64_t>(i / 4));
    run(log->close());
}

} // namespace
} // namespace zhida::io
