// What the tests of the event log share: a driver by name, topics of their own, reading until enough came.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace zhida::tests {

class event_log_fixture : public testing::Test {
  protected:
    explicit event_log_fixture(const std::string& driver) {
        settings_.event_log.driver = driver;
        if (driver == "redis")
            settings_.redis.url = redis_url();
        else
            settings_.kafka.brokers = kafka_brokers();
    }

    std::unique_ptr<io::event_log> open() { return io::make_event_log(loop_.executor(), settings_); }
    std::string unique_group() { return unique("t"); }
    std::string make_topic(io::event_log& log, std::int32_t partitions) {
        const auto name = unique("t");
        const auto made = run(log.ensure({{name, partitions, -1}}));
        if (!made) throw std::runtime_error(made.error().text());
        return name;
    }

    template <class T>
    T run(asio::awaitable<T> work) {
        return loop_.run(std::move(work));
    }

    // Values first, first + 1, ... round the partitions.
    bool append_some(io::event_log& log, const std::string& topic, int partitions, int first, int count) {
        std::vector<io::log_message> messages;
        for (int i = first; i < first + count; ++i)
            messages.push_back({topic, i % partitions, "", std::to_string(i), {}});
        return run(log.append_all(std::move(messages))).has_value();
    }
    void append_numbers(io::event_log& log, const std::string& topic, int partitions, int first, int count) {
        ASSERT_TRUE(append_some(log, topic, partitions, first, count));
    }

    // The next records; failures (a server that is away, a topic that is not there yet) are waited out.
    std::vector<io::log_record> any(io::log_consumer& consumer) {
        for (;;) {
            auto event = run(consumer.next());
            if (!event) {
                if (event.error().code == errc::cancelled)
                    throw std::runtime_error("the consumer was closed");
                loop_.run_for(std::chrono::milliseconds(20));
                continue;
            }
            if (auto* records = std::get_if<std::vector<io::log_record>>(&*event)) return std::move(*records);
            note(consumer, *event);
        }
    }
    // At least one call, until `count` records came; not more.
    std::vector<io::log_record> more(io::log_consumer& consumer, std::size_t count) {
        std::vector<io::log_record> all;
        while (all.size() < count)
            for (auto& r : any(consumer)) {
                auto& owned = owned_[&consumer];
                if (!owned.contains({r.topic, r.partition}))
                    throw std::runtime_error("a record of a partition that is not assigned");
                all.push_back(std::move(r));
            }
        return all;
    }
    std::vector<io::topic_partition> await_assigned(io::log_consumer& consumer) {
        for (;;) {
            auto event = run(consumer.next());
            if (!event) {
                loop_.run_for(std::chrono::milliseconds(20));
                continue;
            }
            if (std::get_if<std::vector<io::log_record>>(&*event))
                throw std::runtime_error("records before `assigned`");
            note(consumer, *event);
            if (auto* a = std::get_if<io::assigned>(&*event)) return a->partitions;
        }
    }
    std::vector<io::log_record> consume(io::log_consumer& consumer, std::size_t count) {
        await_assigned(consumer);
        return more(consumer, count);
    }
    bool nothing_comes(io::log_consumer& consumer, std::chrono::milliseconds wait) {
        using namespace asio::experimental::awaitable_operators;
        const auto first = run(either(consumer, wait));
        return first.index() == 1;
    }
    bool eventually(const std::function<bool()>& condition,
                    std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) return false;
            loop_.run_for(std::chrono::milliseconds(20));
        }
        return true;
    }
    void close(io::log_consumer& consumer, io::event_log& log) {
        run(consumer.close());
        run(log.close());
    }

    // Which partitions each consumer was told to own.
    std::map<io::log_consumer*, std::set<io::topic_partition>> owned_;
    config settings_;
    loop loop_;

  private:
    static asio::awaitable<std::variant<result<io::log_event>, std::monostate>>
    either(io::log_consumer& consumer, std::chrono::milliseconds wait) {
        using namespace asio::experimental::awaitable_operators;
        co_return co_await (consumer.next() || pause_for(wait));
    }
    void note(io::log_consumer& consumer, const io::log_event& event) {
        auto& owned = owned_[&consumer];
        if (const auto* a = std::get_if<io::assigned>(&event))
            for (const auto& p : a->partitions)
                if (!owned.insert(p).second) throw std::runtime_error("assigned twice");
        if (const auto* r = std::get_if<io::revoked>(&event))
            for (const auto& p : r->partitions)
                if (owned.erase(p) != 1) throw std::runtime_error("revoked what was not assigned");
    }
};

} // namespace zhida::tests
