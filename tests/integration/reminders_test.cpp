// Reminders from the scheduler to the inbox, on a real Redis and simulated days: matcher, scheduler and the
// web's dispatcher, restarted and set back and forward.
#include "common/base/murmur2.hpp"
#include "common/model/topics.hpp"
#include "common/store/inbox.hpp"
#include "common/store/reminder_days.hpp"
#include "services/dispatcher/dispatcher.hpp"
#include "services/ledger_check.hpp"
#include "services/matcher/matcher.hpp"
#include "services/publishing.hpp"
#include "services/scheduler/scheduler.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"
#include "tests/support/sms.hpp"

#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace zhida::scheduler {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr int shards = 2;

const crypto::sealer& sealer() {
    static const auto made = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    return made;
}
const matching::catalogue& catalogue() {
    static const auto c = matching::catalogue::load(tests::in_source("config/catalogue")).value();
    return c;
}

// One process with three roles.
struct process {
    process(asio::any_io_executor executor, const config& c, const clock& time)
        : matches(executor, c, catalogue(), time, sealer(), meters),
          delivers(executor, c, tests::content_as_shipped(), time, sealer(), meters, {channel::web}),
          schedules(executor, c, catalogue(), days, time, meters) {
        matches.listen().value();
        asio::co_spawn(executor, matches.run(), [this](std::exception_ptr e) { end(e); });
        asio::co_spawn(executor, delivers.run(), [this](std::exception_ptr e) { end(e); });
        asio::co_spawn(executor, schedules.run(), [this](std::exception_ptr e) { end(e); });
    }
    void end(std::exception_ptr e) {
        if (e) thrown = e;
        ++ended;
    }
    void stop() {
        schedules.stop();
        delivers.stop();
        matches.stop();
    }
    workdays days;
    metrics meters;
    matcher::matcher matches;
    dispatcher::dispatcher delivers;
    scheduler schedules;
    std::exception_ptr thrown;
    int ended = 0;
};

class reminded : public ::testing::Test {
  protected:
    // Events of the log carry the real time: the days of the test lie after it.
    reminded()
        : start_(shanghai_day(system_clock().now()) + 1), time_(at(start_, 12)),
          folder_((std::filesystem::temp_directory_path() / tests::unique("zhida-reminders")).string()),
          redis_(loop_.executor(), {tests::redis_url(), 2000ms}) {
        settings_.redis.url = tests::redis_url();
        settings_.event_log.driver = "redis";
        settings_.node.shards = shards;
        settings_.node.data_dir = folder_;
        settings_.matcher.port = 0;
        loop_.run(redis_.command({"FLUSHDB"})).value();
        log_ = io::make_event_log(loop_.executor(), settings_);
        loop_.run(log_->ensure(all_topics(shards))).value();
        begin();
    }
    ~reminded() override {
        stop();
        const auto report = loop_.run(check_ledger(redis_, shards)).value();
        for (const auto& e : report.errors) ADD_FAILURE() << e.text();
        loop_.run(log_->close());
        std::filesystem::remove_all(folder_);
    }

    static wall_time at(std::int32_t day, int hour) {
        return wall_time(std::chrono::days(day)) + std::chrono::hours(hour - 8);
    }
    std::string date(std::int32_t day) const {
        auto text = format_date(day);
        std::erase(text, '-');
        return text;
    }

    void begin() { running_ = std::make_unique<process>(loop_.executor(), settings_, time_); }
    void stop() {
        if (!running_) return;
        running_->stop();
        go_until("it has stopped", [&] { return running_->ended == 3; });
        if (running_->thrown) std::rethrow_exception(running_->thrown);
        running_.reset();
    }
    void restart() {
        stop();
        begin();
    }
    void go(milliseconds real) {
        for (const auto until = std::chrono::steady_clock::now() + real;
             std::chrono::steady_clock::now() < until;) {
            time_.advance(5ms);
            loop_.run_for(1ms);
        }
    }
    template <class Done>
    void go_until(const char* what, Done done) {
        const auto limit = std::chrono::steady_clock::now() + 30s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > limit)
                throw std::runtime_error(std::string("waited for: ") + what);
            go(5ms);
        }
    }
    // Until reminders of today were looked for, and long enough that what they make arrives.
    void a_day_at(std::int32_t day, int hour) {
        time_.jump_to(at(day, hour));
        go_until("the day is seen to", [&] { return handled("P") >= day; });
        go_until("nothing is open", [&] { return loop_.run(campaigns_.open()).value().empty(); });
    }

    std::string enterprise(int number, int headcount, std::int32_t licence_until) {
        auto organisation = "MA1T000" + std::to_string(number);
        organisation += organisation_check(organisation);
        const auto first17 = "91310113" + organisation;
        profile p;
        p.id = first17 + uscc_check(first17);
        p.name = "合成";
        p.attributes.set(catalogue().find("ent.headcount")->number, headcount);
        p.attributes.set(catalogue().find("ent.hightech_valid_to")->number, licence_until);
        loop_.run(log_->append(profile_message(p, catalogue(), sealer(), shards, time_.now()))).value();
        go_until("the profile is there", [&] { return loop_.run(profiles_.get(p.id)).has_value(); });
        return p.id;
    }
    static json item(const char* id, int most, const json& window, const json& reminders) {
        return {{"id", id},
                {"title", std::string("事项") + id},
                {"subject", "enterprise"},
                {"eligibility", {{"op", "<="}, {"args", {{{"property", "ent.headcount"}}, most}}}},
                {"benefit", "补贴"},
                {"mode", "申请享受"},
                {"window", window},
                {"reminders", reminders}};
    }
    void publish(const json& items) {
        const json document = {{"schema", "zhida.policy/1"},
                               {"id", "P"},
                               {"version", 1},
                               {"title", "政策"},
                               {"issuer", "宝山区科委"},
                               {"level", "区"},
                               {"region", "310113"},
                               {"disclosure", "主动公开"},
                               {"push", {{"channels", {"web"}}, {"reach", "eligible"}}},
                               {"items", items}};
        std::vector<failure> errors;
        const auto p = read_policy(document, errors).value();
        loop_.run(log_->append(policy_message(p, document, time_.now()))).value();
        go_until("its first round is over", [&] {
            const auto c = loop_.run(campaigns_.get("P.v1.r1"));
            return c && c->state == campaign_state::finished;
        });
        // As if it had come on the day on which the test begins, and not by the log's own clock.
        loop_.run(store::reminder_days(redis_).keep("P", start_)).value();
    }
    std::int32_t handled(const std::string& policy) {
        const auto days = loop_.run(store::reminder_days(redis_).all()).value();
        const auto found = days.find(policy);
        return found == days.end() ? 0 : found->second;
    }
    std::vector<std::string> reminders() {
        std::vector<std::string> ids;
        for (const auto& c : loop_.run(campaigns_.list(100)).value())
            if (c.kind == "reminder") ids.push_back(c.id);
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    std::vector<std::string> inbox_of(const std::string& id) {
        const auto who = loop_.run(profiles_.get(id)).value();
        std::vector<std::string> found;
        for (const auto& e : loop_.run(store::inbox(redis_).of(who.shard, who.ordinal)).value())
            found.push_back(e.campaign + "/" + std::to_string(e.web.items));
        return found;
    }

    tests::loop loop_;
    const std::int32_t start_;
    manual_clock time_;
    std::string folder_;
    config settings_;
    io::redis redis_;
    std::unique_ptr<io::event_log> log_;
    store::profiles profiles_{redis_, sealer(), shards};
    store::campaigns campaigns_{redis_, shards};
    std::unique_ptr<process> running_;
};

TEST_F(reminded, seven_days_before_once_over_restarts_and_a_clock_set_back_and_forward) {
    const auto both = enterprise(1, 20, 0), first = enterprise(2, 200, 0), none = enterprise(3, 2000, 0);
    const json week = {{"days_before", {7}}};
    publish({item("1", 500, {{"end", format_date(start_ + 9)}}, week),
             item("2", 50, {{"end", format_date(start_ + 90)}}, week)});
    a_day_at(start_ + 1, 9);
    EXPECT_THAT(reminders(), IsEmpty());

    const auto due = start_ + 2;
    time_.jump_to(at(due, 8));
    go(300ms);
    EXPECT_THAT(reminders(), IsEmpty()) << "not before reminders.at";
    a_day_at(due, 9);
    const auto id = "P.v1.r1.1-d7-" + date(due);
    EXPECT_THAT(reminders(), ElementsAre(id));
    const auto made = loop_.run(campaigns_.get(id)).value();
    EXPECT_EQ(made.title, "“事项1”还有7天截止");
    EXPECT_EQ(made.state, campaign_state::finished);
    EXPECT_EQ(made.approved_by, "rule");
    const auto all_is_as_it_was = [&] {
        EXPECT_THAT(reminders(), ElementsAre(id));
        EXPECT_EQ(loop_.run(campaigns_.get(id)).value().revision, made.revision);
        EXPECT_THAT(inbox_of(both), UnorderedElementsAre("P.v1.r1/3", id + "/1"));
        EXPECT_THAT(inbox_of(first), UnorderedElementsAre("P.v1.r1/1", id + "/1"));
        EXPECT_THAT(inbox_of(none), IsEmpty());
    };
    all_is_as_it_was();

    restart();
    go(500ms);
    all_is_as_it_was();
    time_.jump_to(at(due - 1, 10));
    go(300ms);
    restart();
    go(500ms);
    time_.jump_to(at(due, 10));
    go(500ms);
    all_is_as_it_was();

    stop(); // between making the round and keeping the day
    loop_.run(store::reminder_days(redis_).keep("P", due - 1)).value();
    begin();
    a_day_at(due, 11);
    all_is_as_it_was();

    a_day_at(due + 7, 9);
    all_is_as_it_was();
}

TEST_F(reminded, only_those_whose_licence_expires) {
    const auto due = start_ + 2;
    const auto concerned = enterprise(1, 20, due + 30), too_large = enterprise(2, 2000, due + 30),
               later = enterprise(3, 20, due + 31), too_late = enterprise(4, 20, due + 29);
    publish(json::array(
        {item("1", 500, json::object(),
              {{"days_before", {30}}, {"expires_from", {{"attribute", "ent.hightech_valid_to"}}}})}));
    a_day_at(due, 9);
    const auto today = "P.v1.r1.1-licence30-" + date(due), before = "P.v1.r1.1-licence30-" + date(due - 1);
    EXPECT_THAT(reminders(), UnorderedElementsAre(today, before));
    EXPECT_THAT(inbox_of(concerned), UnorderedElementsAre("P.v1.r1/1", today + "/1"));
    EXPECT_THAT(inbox_of(too_large), IsEmpty());
    EXPECT_THAT(inbox_of(later), ElementsAre("P.v1.r1/1"));
    EXPECT_THAT(inbox_of(too_late), UnorderedElementsAre("P.v1.r1/1", before + "/1"))
        << "the day before nobody looked";

    restart();
    a_day_at(due + 1, 9);
    const auto next = "P.v1.r1.1-licence30-" + date(due + 1);
    EXPECT_THAT(reminders(), UnorderedElementsAre(today, before, next));
    EXPECT_THAT(inbox_of(concerned), UnorderedElementsAre("P.v1.r1/1", today + "/1"));
    EXPECT_THAT(inbox_of(later), UnorderedElementsAre("P.v1.r1/1", next + "/1"));
}

TEST_F(reminded, by_a_round_that_was_submitted_by_hand_too) {
    const auto due = start_ + 2;
    const auto concerned = enterprise(1, 20, due + 30);
    publish(json::array(
        {item("1", 500, json::object(),
              {{"days_before", {30}}, {"expires_from", {{"attribute", "ent.hightech_valid_to"}}}})}));
    a_day_at(due, 9);
    auto by_hand = loop_.run(campaigns_.get("P.v1.r1.1-licence30-" + date(due))).value();
    by_hand.id = "P.v1.r1.1-licence30-" + date(due + 5);
    by_hand.state = campaign_state::approved;
    by_hand.revision = 0;
    loop_.run(campaigns_.put(by_hand)).value();
    go_until("it is over",
             [&] { return loop_.run(campaigns_.get(by_hand.id)).value().state == campaign_state::finished; });
    EXPECT_THAT(inbox_of(concerned), testing::Contains(by_hand.id + "/1"));
}

TEST_F(reminded, not_of_what_was_withdrawn_and_a_second_person_is_asked_as_for_other_rounds) {
    const auto one = enterprise(1, 20, 0), two = enterprise(2, 30, 0);
    publish(json::array({item("1", 500, {{"end", format_date(start_ + 9)}}, {{"days_before", {7, 5}}})}));
    stop();
    settings_.campaign.approve_above = 1;
    begin();
    time_.jump_to(at(start_ + 2, 9));
    const auto id = "P.v1.r1.1-d7-" + date(start_ + 2);
    go_until("it waits for a second person", [&] {
        const auto c = loop_.run(campaigns_.get(id));
        return c && c->state == campaign_state::submitted;
    });
    EXPECT_THAT(inbox_of(one), ElementsAre("P.v1.r1/1"));

    auto first = loop_.run(campaigns_.get("P.v1.r1")).value();
    first.state = campaign_state::withdrawn;
    loop_.run(campaigns_.change(first)).value();
    time_.jump_to(at(start_ + 4, 9));
    go_until("the day is seen to", [&] { return handled("P") == start_ + 4; });
    EXPECT_THAT(reminders(), ElementsAre(id));
    EXPECT_THAT(inbox_of(two), ElementsAre("P.v1.r1/1"));
}

} // namespace
} // namespace zhida::scheduler
