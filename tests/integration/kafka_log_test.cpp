// What only the driver on Kafka has: partitions shared among the members of a group.
#include "tests/support/event_log_fixture.hpp"

#include "common/io/spawn.hpp"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

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
    static std::string told(const member& m) {
        auto text = std::to_string(m.records) + " records, " + std::to_string(m.owned.size()) +
                    " partitions, " + std::to_string(m.assignments) + " assignments, next";
        for (const auto& [p, offset] : m.next)
            text += " " + std::to_string(p.partition) + ":" + std::to_string(offset);
        return text;
    }
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
    EXPECT_EQ(run(log->end_offsets(topic)).value(), (std::vector<std::int64_t>{100, 100, 100, 100}));
    ASSERT_TRUE(eventually([&] { return a->records == 400; })) << told(*a);
    EXPECT_EQ(a->owned.size(), 4U);

    auto b = join(*other, group, topic);
    ASSERT_TRUE(eventually([&] { return a->owned.size() == 2 && b->owned.size() == 2; }))
        << told(*a) << "; " << told(*b);
    for (const auto& p : a->owned) EXPECT_FALSE(b->owned.contains(p));
    append_numbers(*log, topic, 4, 400, 400);
    ASSERT_TRUE(eventually([&] { return a->records + b->records == 800; })) << told(*a) << "; " << told(*b);
    // What the first had stored at its revocation is where the second began: nothing twice, nothing lost.
    for (const auto& [p, offset] : b->first) EXPECT_EQ(offset, 100);
    EXPECT_EQ(b->records, 200U);

    run(a->consumer->close());
    ASSERT_TRUE(eventually([&] { return b->owned.size() == 4; })) << told(*b);
    append_numbers(*log, topic, 4, 800, 400);
    ASSERT_TRUE(eventually([&] { return b->records == 600; })) << told(*b);
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

// As where a topic was just made: its broker knows that it leads it only a moment later.
TEST_F(kafka_log_test, a_refused_batch_is_not_lost_where_a_later_one_is_taken) {
    const std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)> host(
        rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0), rd_kafka_destroy);
    const std::unique_ptr<rd_kafka_mock_cluster_t, decltype(&rd_kafka_mock_cluster_destroy)> cluster(
        rd_kafka_mock_cluster_new(host.get(), 1), rd_kafka_mock_cluster_destroy);
    const auto topic = unique_group();
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster.get(), topic.c_str(), 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    settings_.kafka.brokers = rd_kafka_mock_cluster_bootstraps(cluster.get());
    auto log = open();
    ASSERT_EQ(run(log->end_offsets(topic)).value(), std::vector<std::int64_t>{0}); // connected
    loop_.run_for(1s);                                                             // and with a producer id
    constexpr std::int16_t produce = 0;
    rd_kafka_mock_push_request_errors(cluster.get(), produce, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    rd_kafka_mock_broker_set_rtt(cluster.get(), 1, 300); // time for more to be on its way before the answer

    std::vector<std::int64_t> offsets;
    const auto append = [&](int value) -> asio::awaitable<void> {
        const auto at = co_await log->append({topic, 0, "", std::to_string(value), {}});
        offsets.push_back(at ? *at : -1);
    };
    for (int i = 0; i < 3; ++i) {
        spawn(loop_.executor(), append(i));
        loop_.run_for(50ms);
    }
    ASSERT_TRUE(eventually([&] { return offsets.size() == 3; }));
    EXPECT_THAT(offsets, testing::ElementsAre(0, 1, 2));
    EXPECT_EQ(run(log->end_offsets(topic)).value(), std::vector<std::int64_t>{3});
    run(log->close());
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
