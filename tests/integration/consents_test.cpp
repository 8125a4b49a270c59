// What people said survives a Redis that does not: the log in one Redis, what is in force in another.
#include "common/base/murmur2.hpp"
#include "common/io/event_log.hpp"
#include "common/model/topics.hpp"
#include "common/store/consents.hpp"
#include "common/store/keys.hpp"
#include "common/store/profiles.hpp"
#include "services/consent_log.hpp"
#include "services/publishing.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

constexpr int shards = 4;

class consents_test : public testing::Test {
  protected:
    consents_test() {
        config c;
        c.event_log.driver = "redis";
        c.redis.url = log_server_.address();
        log_ = io::make_event_log(loop_.executor(), c);
        loop_.run(log_->ensure(all_topics(shards))).value();
        loop_.run(redis_.command({"FLUSHDB"})).value();
    }
    ~consents_test() override { loop_.run(log_->close()); }

    // A subject of the shard.
    static std::string id_in(int shard, int n = 0) {
        for (int i = 0;; ++i) {
            auto id = "R" + std::to_string(100000 + i);
            if (shard_of(id, shards) == shard && n-- == 0) return id;
        }
    }
    consent_log changes() { return {*log_, consents_, clock_, shards}; }
    void record(consent_kind kind, const std::string& who, const preferences& chosen = {}) {
        loop_.run(changes().record({kind, who, chosen, 1})).value();
    }
    bool out(const std::string& id) {
        return loop_.run(consents_.opted_out(shard_of(id, shards), id)).value();
    }
    std::int64_t place(int shard) { return loop_.run(consents_.place(shard)).value(); }
    std::int64_t replay(int shard) { return loop_.run(changes().replay(shard)).value(); }
    std::int64_t count_of_changes(int shard) {
        return loop_.run(redis_.command({"HGET", store::keys::shard_state(shard), "consents"}))
            .value()
            .number();
    }
    // The shard's keys as they are, and back to it: a Redis that lost what came in between.
    std::map<std::string, std::string> keep() {
        std::map<std::string, std::string> kept;
        for (const auto& key : loop_.run(redis_.command({"KEYS", "*"})).value().items)
            kept[key.text] = loop_.run(redis_.command({"DUMP", key.text})).value().text;
        return kept;
    }
    void lose(const std::map<std::string, std::string>& kept) {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        for (const auto& [key, value] : kept) loop_.run(redis_.command({"RESTORE", key, "0", value})).value();
    }
    static bool bit(const std::string& bits, std::size_t n) {
        return n / 8 < bits.size() && (static_cast<unsigned char>(bits[n / 8]) >> (7 - n % 8) & 1) != 0;
    }

    tests::loop loop_;
    system_clock clock_;
    tests::server log_server_{"redis"};
    io::redis redis_{loop_.executor(), {tests::redis_url(), milliseconds(5000)}};
    store::consents consents_{redis_};
    std::unique_ptr<io::event_log> log_;
};

TEST_F(consents_test, an_opt_out_that_redis_lost_is_there_again) {
    const auto first = id_in(1, 0), second = id_in(1, 1);
    record(consent_kind::opt_out, first);
    const auto before = keep();
    record(consent_kind::opt_out, second);
    record(consent_kind::opt_in, first);
    EXPECT_TRUE(out(second) && !out(first));
    lose(before);
    ASSERT_TRUE(out(first) && !out(second));
    EXPECT_EQ(replay(1), 2);
    EXPECT_TRUE(out(second) && !out(first));
    EXPECT_EQ(replay(1), 0) << "nothing is applied twice";
    lose({});
    EXPECT_EQ(replay(1), 3) << "nor is anything missing where Redis is empty";
    EXPECT_TRUE(out(second) && !out(first));
}

TEST_F(consents_test, the_next_change_brings_back_the_lost_ones_before_it) {
    const auto first = id_in(2, 0), second = id_in(2, 1);
    record(consent_kind::opt_out, first);
    lose({});
    record(consent_kind::opt_out, second);
    EXPECT_TRUE(out(first) && out(second));
    EXPECT_EQ(place(2), 2);
}

TEST_F(consents_test, the_last_one_of_the_log_holds_whoever_applies_first) {
    const auto who = id_in(0);
    record(consent_kind::opt_out, who); // 0
    record(consent_kind::opt_in, who);  // 1
    // Somebody slow, who appended the first one, applies it only now.
    const auto late =
        loop_.run(consents_.apply({{0, 0, 0, {consent_kind::opt_out, who, {}, 1}}})).value().front();
    EXPECT_FALSE(late.applied);
    EXPECT_EQ(late.place, 2);
    EXPECT_FALSE(out(who));
    // And one before whom something is missing applies nothing.
    const auto early =
        loop_.run(consents_.apply({{0, 3, 3, {consent_kind::opt_out, who, {}, 1}}})).value().front();
    EXPECT_FALSE(early.applied);
    EXPECT_EQ(place(0), 2);
    EXPECT_FALSE(out(who));
}

TEST_F(consents_test, preferences_replace_one_another_and_are_bits_by_ordinal) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    store::profiles profiles(redis_, sealer, shards);
    std::vector<profile> rows(3);
    for (int i = 0; i < 3; ++i) rows[static_cast<std::size_t>(i)].id = id_in(3, i);
    preferences p;
    p.untargeted = true;
    p.themes = {"就业"};
    p.at_ms = 7;
    record(consent_kind::preferences, rows[2].id, p); // before there is a profile
    loop_.run(profiles.put(3, rows, 1)).value();
    const auto untargeted = [&] { return loop_.run(consents_.untargeted_bits({3})).value().front(); };
    EXPECT_TRUE(bit(untargeted(), 2) && !bit(untargeted(), 0));
    EXPECT_EQ(loop_.run(consents_.preferences_of(3, rows[2].id)).value(), p);

    p.all_messages = true;
    record(consent_kind::preferences, rows[0].id, p);
    EXPECT_TRUE(bit(untargeted(), 0) && out(rows[0].id));
    EXPECT_TRUE(bit(loop_.run(consents_.opted_out_bits({3})).value().front(), 0));
    EXPECT_EQ(loop_.run(consents_.preferences_of(3, rows[0].id)).value(), p);
    record(consent_kind::opt_in, rows[0].id); // of all messages alone
    p.all_messages = false;
    EXPECT_EQ(loop_.run(consents_.preferences_of(3, rows[0].id)).value(), p);

    record(consent_kind::preferences, rows[0].id);
    EXPECT_FALSE(bit(untargeted(), 0));
    EXPECT_TRUE(loop_.run(consents_.preferences_of(3, rows[0].id)).value().nothing_said());
    EXPECT_EQ(loop_.run(redis_.command({"HLEN", store::keys::preferences(3)})).value().integer, 1)
        << "who wants everything is not kept";
}

TEST_F(consents_test, a_number_is_refused_in_every_shard_and_nobody_reads_it) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    const auto digest = store::number_digests(sealer).of("13800000001");
    EXPECT_EQ(digest.size(), number_digest_size);
    record(consent_kind::number_out, digest);
    for (int shard = 0; shard < shards; ++shard) {
        EXPECT_TRUE(loop_.run(consents_.number_refused(shard, digest)).value()) << shard;
        EXPECT_EQ(count_of_changes(shard), 1) << shard;
    }
    lose({});
    for (int shard = 0; shard < shards; ++shard) {
        EXPECT_EQ(replay(shard), 1);
        EXPECT_TRUE(loop_.run(consents_.number_refused(shard, digest)).value()) << shard;
    }
    record(consent_kind::number_in, digest);
    for (int shard = 0; shard < shards; ++shard)
        EXPECT_FALSE(loop_.run(consents_.number_refused(shard, digest)).value()) << shard;
}

TEST_F(consents_test, every_change_is_counted) {
    const auto who = id_in(1);
    loop_.run(consents_.opt_out(1, who)).value();
    loop_.run(consents_.opt_in(1, who)).value();
    loop_.run(consents_.refuse(1, {who})).value();
    record(consent_kind::opt_out, who);
    record(consent_kind::preferences, who);
    EXPECT_EQ(count_of_changes(1), 5);
    EXPECT_EQ(place(1), 2) << "what does not come from the log moves no place";
}

TEST_F(consents_test, what_cannot_be_read_is_buried_and_passed_over) {
    loop_.run(log_->append({topics::consent, 1, "", "{}", {}})).value();
    record(consent_kind::opt_out, id_in(1));
    EXPECT_TRUE(out(id_in(1)));
    loop_.run(log_->append({topics::consent, 1, "", "{}", {}})).value();
    EXPECT_EQ(replay(1), 0);
    EXPECT_EQ(place(1), 3);
    EXPECT_EQ(loop_.run(log_->end_offsets(topics::dead_letter)).value().front(), 2);
}

TEST_F(consents_test, a_log_that_lost_its_end_does_not_swallow_what_is_said_next) {
    const auto who = id_in(1);
    loop_.run(redis_.command({"HSET", store::keys::shard_state(1), "consent_offset", "9"})).value();
    EXPECT_EQ(replay(1), 0);
    EXPECT_EQ(place(1), 0);
    loop_.run(redis_.command({"HSET", store::keys::shard_state(1), "consent_offset", "9"})).value();
    record(consent_kind::opt_out, who);
    EXPECT_TRUE(out(who));
    EXPECT_EQ(place(1), 1);
}

TEST_F(consents_test, nothing_is_acknowledged_that_is_not_in_the_log) {
    log_server_.stop();
    EXPECT_FALSE(loop_.run(changes().record({consent_kind::opt_out, id_in(1), {}, 1})));
    EXPECT_FALSE(out(id_in(1)));
    log_server_.start();
}

} // namespace
} // namespace zhida
