// The same contract, tested on both drivers of the event log with real servers.
#include "common/io/spawn.hpp"
#include "tests/support/event_log_fixture.hpp"

#include <gmock/gmock.h>

namespace zhida::io {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

class event_log_test : public tests::event_log_fixture, public testing::WithParamInterface<std::string> {
  protected:
    event_log_test() : tests::event_log_fixture(GetParam()) {}
};

std::string driver_name(const testing::TestParamInfo<std::string>& info) {
    return info.param;
}
INSTANTIATE_TEST_SUITE_P(, event_log_test, testing::Values("redis", "kafka"), driver_name);

TEST_P(event_log_test, keeps_the_order_within_each_partition) {
    auto log = open();
    const auto topic = make_topic(*log, 3);
    const auto before = system_clock().now().time_since_epoch().count();
    std::vector<log_message> messages;
    for (int i = 0; i < 300; ++i)
        messages.push_back({topic, i % 3, "k" + std::to_string(i), std::to_string(i), {}});
    const auto offsets = run(log->append_all(messages));
    ASSERT_TRUE(offsets) << offsets.error().text();
    ASSERT_EQ(offsets->size(), 300U);
    for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ((*offsets)[i], static_cast<std::int64_t>(i / 3));

    auto consumer = log->subscribe(unique_group(), {topic});
    const auto records = consume(*consumer, 300);
    std::map<int, std::int64_t> next;
    for (const auto& r : records) {
        EXPECT_EQ(r.topic, topic);
        EXPECT_EQ(r.offset, next[r.partition]++);
        EXPECT_EQ(r.value, std::to_string(r.offset * 3 + r.partition));
        EXPECT_EQ(r.key, "k" + r.value);
        EXPECT_GE(r.timestamp_ms, before - 1000);
        EXPECT_LE(r.timestamp_ms, before + 60000);
    }
    EXPECT_EQ(next.size(), 3U);
    close(*consumer, *log);
}

TEST_P(event_log_test, keeps_headers_and_any_bytes) {
    auto log = open();
    const auto topic = make_topic(*log, 1);
    const std::string binary("\0\xff\r\n\x01 \x80", 7);
    const log_headers headers{{"ce_id", "1"}, {"ce_id", "2"}, {"empty", ""}, {"bytes", binary}};
    ASSERT_EQ(*run(log->append({topic, 0, binary, binary, headers})), 0);
    ASSERT_EQ(*run(log->append({topic, 0, "", "", {}})), 1);
    const std::string large(1'500'000, 'x');
    ASSERT_EQ(*run(log->append({topic, 0, "large", large, {}})), 2);

    auto consumer = log->subscribe(unique_group(), {topic});
    const auto records = consume(*consumer, 3);
    EXPECT_EQ(records[0].key, binary);
    EXPECT_EQ(records[0].value, binary);
    EXPECT_EQ(records[0].headers, headers);
    EXPECT_EQ(records[1].key, "");
    EXPECT_EQ(records[1].value, "");
    EXPECT_TRUE(records[1].headers.empty());
    EXPECT_TRUE(records[2].value == large);
    close(*consumer, *log);
}

TEST_P(event_log_test, refuses_what_cannot_be_kept) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    const auto large = run(log->append({topic, 0, "", std::string((2 << 20) + 1, 'x'), {}}));
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, errc::invalid);
    EXPECT_THAT(large.error().text(), HasSubstr(topic));
    for (const int partition : {2, -1}) {
        const auto missing = run(log->append({topic, partition, "", "x", {}}));
        ASSERT_FALSE(missing);
        EXPECT_EQ(missing.error().code, errc::not_found);
    }
    const auto nowhere = run(log->append({unique_group(), 0, "", "x", {}}));
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, errc::not_found);
    EXPECT_TRUE(run(log->append_all({})).value().empty());
    EXPECT_THAT(run(log->end_offsets(topic)).value(), ElementsAre(0, 0));
    run(log->close());
}

TEST_P(event_log_test, a_group_goes_on_where_it_stored) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    const auto group = unique_group();
    append_numbers(*log, topic, 2, 0, 20);
    {
        auto consumer = log->subscribe(group, {topic});
        EXPECT_EQ(consume(*consumer, 20).size(), 20U);
        consumer->store({topic, 0}, 4);
        consumer->store({topic, 1}, 10);
        run(consumer->close());
        const auto after = run(consumer->next());
        ASSERT_FALSE(after);
        EXPECT_EQ(after.error().code, errc::cancelled);
    }
    EXPECT_THAT(run(log->stored_offsets(group, topic)).value(), ElementsAre(4, 10));
    EXPECT_THAT(run(log->stored_offsets(unique_group(), topic)).value(), ElementsAre(0, 0));
    EXPECT_THAT(run(log->end_offsets(topic)).value(), ElementsAre(10, 10));
    {
        auto again = open(); // another process after a restart
        auto consumer = again->subscribe(group, {topic});
        const auto records = consume(*consumer, 6);
        for (std::size_t i = 0; i < 6; ++i) {
            EXPECT_EQ(records[i].partition, 0);
            EXPECT_EQ(records[i].offset, static_cast<std::int64_t>(i) + 4);
        }
        close(*consumer, *again);
    }
    run(log->close());
}

TEST_P(event_log_test, stored_offsets_are_kept_without_a_close) {
    auto log = open();
    const auto topic = make_topic(*log, 1);
    const auto group = unique_group();
    append_numbers(*log, topic, 1, 0, 10);
    auto consumer = log->subscribe(group, {topic});
    EXPECT_EQ(consume(*consumer, 10).size(), 10U);
    consumer->store({topic, 0}, 7);
    EXPECT_TRUE(eventually([&] { return run(log->stored_offsets(group, topic)).value().front() == 7; }));
    close(*consumer, *log);
}

TEST_P(event_log_test, a_new_group_begins_at_the_earliest_record) {
    auto log = open();
    const auto topic = make_topic(*log, 1);
    append_numbers(*log, topic, 1, 0, 5);
    auto first = log->subscribe(unique_group(), {topic});
    EXPECT_EQ(consume(*first, 5).front().offset, 0);
    append_numbers(*log, topic, 1, 5, 5);
    EXPECT_EQ(more(*first, 5).front().offset, 5);
    auto second = log->subscribe(unique_group(), {topic});
    EXPECT_EQ(consume(*second, 10).front().offset, 0);
    run(first->close());
    close(*second, *log);
}

TEST_P(event_log_test, seeks) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    append_numbers(*log, topic, 2, 0, 40);
    auto consumer = log->subscribe(unique_group(), {topic});
    ASSERT_EQ(await_assigned(*consumer).size(), 2U);
    consumer->seek({topic, 0}, 15);
    auto records = more(*consumer, 25);
    std::map<int, std::int64_t> first;
    for (const auto& r : records) first.try_emplace(r.partition, r.offset);
    EXPECT_EQ(first[0], 15);
    EXPECT_EQ(first[1], 0);
    // Back in the middle of reading.
    consumer->seek({topic, 1}, 18);
    records = more(*consumer, 2);
    EXPECT_EQ(records[0].partition, 1);
    EXPECT_EQ(records[0].offset, 18);
    EXPECT_EQ(records[1].offset, 19);
    close(*consumer, *log);
}

TEST_P(event_log_test, pauses_and_resumes_in_place) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    append_numbers(*log, topic, 2, 0, 20);
    auto consumer = log->subscribe(unique_group(), {topic});
    ASSERT_EQ(await_assigned(*consumer).size(), 2U);
    consumer->pause({topic, 0});
    for (const auto& r : more(*consumer, 10)) EXPECT_EQ(r.partition, 1);
    append_numbers(*log, topic, 2, 20, 20);
    for (const auto& r : more(*consumer, 10)) EXPECT_EQ(r.partition, 1);
    EXPECT_TRUE(nothing_comes(*consumer, std::chrono::milliseconds(500)));
    consumer->resume({topic, 0});
    const auto begin = std::chrono::steady_clock::now();
    auto records = more(*consumer, 20);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1500));
    for (std::size_t i = 0; i < records.size(); ++i) {
        EXPECT_EQ(records[i].partition, 0);
        EXPECT_EQ(records[i].offset, static_cast<std::int64_t>(i));
    }
    // Again and again in the middle of a stream: nothing is skipped, nothing comes twice.
    append_numbers(*log, topic, 2, 40, 4000);
    std::map<int, std::int64_t> next{{0, 20}, {1, 20}};
    const auto read_on = [&] {
        for (const auto& r : more(*consumer, 1)) {
            EXPECT_EQ(r.offset, next[r.partition]);
            next[r.partition] = r.offset + 1;
        }
    };
    for (int turn = 0; next[0] < 1500 && next[1] < 1500; ++turn) {
        consumer->pause({topic, turn % 2});
        read_on();
        consumer->resume({topic, turn % 2});
    }
    while (next[0] < 2020 || next[1] < 2020) read_on();
    close(*consumer, *log);
}

TEST_P(event_log_test, a_slow_reader_loses_nothing) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    append_numbers(*log, topic, 2, 0, 40000);
    auto consumer = log->subscribe(unique_group(), {topic});
    await_assigned(*consumer);
    std::map<int, std::int64_t> next;
    const auto read_on = [&] {
        for (const auto& r : more(*consumer, 1)) {
            EXPECT_EQ(r.offset, next[r.partition]);
            next[r.partition] = r.offset + 1;
        }
    };
    for (int turn = 0; turn < 2; ++turn) {
        read_on();
        loop_.run_for(std::chrono::milliseconds(2500)); // longer than a full buffer is put up with
        consumer->pause({topic, turn});
        read_on();
        consumer->resume({topic, turn});
        for (int n = 0; n < 15; ++n) read_on();
    }
    while (next[0] < 20000 || next[1] < 20000) read_on();
    close(*consumer, *log);
}

TEST_P(event_log_test, broadcasts_everything_to_everybody) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    append_numbers(*log, topic, 2, 0, 10);
    auto first = log->broadcast({topic}, true);
    auto second = log->broadcast({topic}, true);
    auto later = log->broadcast({topic}, false);
    EXPECT_EQ(consume(*first, 10).size(), 10U);
    ASSERT_EQ(await_assigned(*later).size(), 2U);
    first->store({topic, 0}, 5); // means nothing without a group
    append_numbers(*log, topic, 2, 10, 10);
    EXPECT_EQ(more(*first, 10).size(), 10U);
    EXPECT_EQ(consume(*second, 20).size(), 20U);
    const auto records = more(*later, 10);
    for (const auto& r : records) EXPECT_GE(r.offset, 5);
    ASSERT_EQ(records.size(), 10U);
    run(first->close());
    run(second->close());
    close(*later, *log);
}

TEST_P(event_log_test, reads_a_partition_without_a_group) {
    auto log = open();
    const auto topic = make_topic(*log, 2);
    const auto offsets_of = [](const std::vector<log_record>& records) {
        std::vector<std::int64_t> offsets;
        for (const auto& r : records) offsets.push_back(r.offset);
        return offsets;
    };
    const auto read = [&](int partition, std::int64_t from, std::size_t at_most) {
        return offsets_of(run(log->read({topic, partition}, from, at_most)).value());
    };
    EXPECT_THAT(read(0, 0, 10), ElementsAre()) << "nothing was appended yet";
    append_numbers(*log, topic, 2, 0, 12);
    ASSERT_EQ(*run(log->append({topic, 1, "key", "last", {{"name", "value"}}})), 6);
    EXPECT_THAT(read(0, 0, 10), ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_THAT(read(1, 2, 2), ElementsAre(2, 3));
    EXPECT_THAT(read(1, 4, 2), ElementsAre(4, 5)) << "reading on";
    EXPECT_THAT(read(1, 1, 2), ElementsAre(1, 2)) << "and back";
    EXPECT_THAT(read(0, 5, 2), ElementsAre(5)) << "another partition in between";
    EXPECT_THAT(read(0, 6, 2), ElementsAre()) << "at the end";
    EXPECT_THAT(read(0, 0, 0), ElementsAre());
    EXPECT_THAT(read(0, 7, 2), ElementsAre(0, 1)) << "beyond the end: from the earliest";
    EXPECT_THAT(read(0, -1, 2), ElementsAre(0, 1));
    const auto last = run(log->read({topic, 1}, 6, 10)).value();
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].topic, topic);
    EXPECT_EQ(last[0].partition, 1);
    EXPECT_EQ(last[0].key, "key");
    EXPECT_EQ(last[0].value, "last");
    EXPECT_EQ(last[0].headers, (log_headers{{"name", "value"}}));
    append_numbers(*log, topic, 2, 12, 4);
    EXPECT_THAT(read(1, 7, 10), ElementsAre(7, 8)) << "what came after the end was reached";
    EXPECT_THAT(run(log->read({topic, 2}, 0, 1)).error().code, errc::not_found);
    EXPECT_THAT(run(log->read({unique_group(), 0}, 0, 1)).error().code, errc::not_found);
    run(log->close());
}

TEST_P(event_log_test, reads_a_long_partition_in_pieces) {
    auto log = open();
    const auto topic = make_topic(*log, 1);
    append_numbers(*log, topic, 1, 0, 20000);
    for (int i = 0; i < 12; ++i)
        ASSERT_TRUE(run(log->append({topic, 0, "", std::string(2'000'000, 'x'), {}})));
    std::int64_t next = 0;
    for (;;) {
        const auto records = run(log->read({topic, 0}, next, 3000)).value();
        if (records.empty()) break;
        ASSERT_LE(records.size(), 3000U);
        for (const auto& r : records) ASSERT_EQ(r.offset, next++);
    }
    EXPECT_EQ(next, 20012);
    run(log->close());
}

TEST_P(event_log_test, refuses_another_number_of_partitions) {
    auto log = open();
    const auto topic = make_topic(*log, 3);
    EXPECT_TRUE(run(log->ensure({{topic, 3, -1}, {topic + "-b", 1, 86400000}})));
    const auto conflict = run(log->ensure({{topic, 4, -1}}));
    ASSERT_FALSE(conflict);
    EXPECT_EQ(conflict.error().code, errc::conflict);
    EXPECT_THAT(conflict.error().text(), HasSubstr(topic + " has 3 partitions, not 4"));
    auto other = open();
    EXPECT_EQ(run(other->ensure({{topic, 2, -1}})).error().code, errc::conflict);
    run(other->close());
    run(log->close());
}

TEST_P(event_log_test, a_topic_that_is_not_there_is_waited_for) {
    auto log = open();
    const auto topic = unique_group();
    auto consumer = log->subscribe(unique_group(), {topic});
    const auto early = run(consumer->next());
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, errc::unavailable);
    EXPECT_THAT(early.error().text(), HasSubstr(topic));
    ASSERT_TRUE(run(log->ensure({{topic, 1, -1}})));
    append_numbers(*log, topic, 1, 0, 3);
    EXPECT_EQ(consume(*consumer, 3).size(), 3U);
    close(*consumer, *log);
}

TEST_P(event_log_test, appends_a_hundred_thousand_quickly) {
    auto log = open();
    const auto topic = make_topic(*log, 8);
    const std::string value(200, 'v');
    std::vector<log_message> messages;
    for (int i = 0; i < 100000; ++i) messages.push_back({topic, i % 8, std::to_string(i), value, {}});
    auto begin = std::chrono::steady_clock::now();
    const auto offsets = run(log->append_all(std::move(messages)));
    const std::chrono::duration<double> appended = std::chrono::steady_clock::now() - begin;
    ASSERT_TRUE(offsets) << offsets.error().text();
    EXPECT_EQ(offsets->size(), 100000U);
    EXPECT_EQ(offsets->back(), 12499);
    auto consumer = log->subscribe(unique_group(), {topic});
    begin = std::chrono::steady_clock::now();
    EXPECT_EQ(consume(*consumer, 100000).size(), 100000U);
    const std::chrono::duration<double> consumed = std::chrono::steady_clock::now() - begin;
    std::cout << "  " << static_cast<int>(100000 / appended.count()) << " appended/s, "
              << static_cast<int>(100000 / consumed.count()) << " consumed/s\n";
    // A debug build on a busy machine; what counts is that nothing goes one by one.
    EXPECT_LT(appended.count(), 10);
    EXPECT_LT(consumed.count(), 15);
    close(*consumer, *log);
}

template <class T>
asio::awaitable<void> why(asio::awaitable<result<T>> work, std::vector<failure>& reasons) {
    const auto answer = co_await std::move(work);
    reasons.push_back(answer ? failure{errc::cancelled, "no failure", "", ""} : answer.error());
}

TEST_P(event_log_test, says_that_the_server_cannot_be_reached) {
    auto settings = settings_;
    settings.redis.url = "redis://127.0.0.1:1/0";
    settings.kafka.brokers = "127.0.0.1:1";
    auto log = make_event_log(loop_.executor(), settings);
    auto consumer = log->subscribe(unique_group(), {"t"});
    auto everything = log->broadcast({"t"}, true);
    std::vector<failure> reasons;
    spawn(loop_.executor(), why(log->ensure({{"t", 1, -1}}), reasons));
    spawn(loop_.executor(), why(log->append({"t", 0, "", "x", {}}), reasons));
    spawn(loop_.executor(), why(log->end_offsets("t"), reasons));
    spawn(loop_.executor(), why(log->stored_offsets("g", "t"), reasons));
    spawn(loop_.executor(), why(log->read({"t", 0}, 0, 1), reasons));
    spawn(loop_.executor(), why(consumer->next(), reasons));
    spawn(loop_.executor(), why(everything->next(), reasons));
    ASSERT_TRUE(eventually([&] { return reasons.size() == 7; }, std::chrono::seconds(12)));
    for (const auto& reason : reasons) {
        EXPECT_EQ(reason.code, errc::unavailable);
        EXPECT_THAT(reason.text(), HasSubstr("127.0.0.1:1"));
        EXPECT_THAT(reason.text(), AnyOf(HasSubstr("redis.url"), HasSubstr("kafka.brokers")));
        EXPECT_THAT(reason.text(), HasSubstr("Connection refused"));
    }
    run(consumer->close());
    close(*everything, *log);
}

TEST_P(event_log_test, loses_nothing_when_the_server_restarts) {
    tests::server own(GetParam());
    auto settings = settings_;
    settings.redis.url = own.address();
    settings.kafka.brokers = own.address();
    auto log = make_event_log(loop_.executor(), settings);
    const auto topic = unique_group(), group = unique_group();
    ASSERT_TRUE(run(log->ensure({{topic, 2, -1}})));
    auto consumer = log->subscribe(group, {topic});
    append_numbers(*log, topic, 2, 0, 100);
    std::set<int> seen;
    for (const auto& r : consume(*consumer, 100)) seen.insert(std::stoi(r.value));
    consumer->store({topic, 0}, 50);
    consumer->store({topic, 1}, 50);
    ASSERT_TRUE(eventually(
        [&] { return run(log->stored_offsets(group, topic)).value() == std::vector<std::int64_t>{50, 50}; }));

    own.stop();
    // Under way while the server is away: it may still succeed, and if not it says so.
    std::vector<failure> reasons;
    spawn(loop_.executor(), why(log->append({topic, 0, "", "100", {}}), reasons));
    loop_.run_for(std::chrono::milliseconds(200));
    own.start();
    ASSERT_TRUE(eventually([&] { return !reasons.empty(); }));
    EXPECT_THAT(reasons.front().code, AnyOf(errc::unavailable, errc::timeout, errc::cancelled));
    // What was not confirmed is appended again, as every caller does.
    for (int i = 100; i < 300; i += 50)
        while (!append_some(*log, topic, 2, i, 50)) {
        }
    const auto all = [&] { return seen.size() == 300; };
    while (!all())
        for (const auto& r : any(*consumer)) seen.insert(std::stoi(r.value));
    close(*consumer, *log);
}

} // namespace
} // namespace zhida::io
