// zhida import and zhida synth against a real Redis as event log and store, with a reader that applies the
// events as the matcher does.
#include "common/base/crypto.hpp"
#include "common/base/murmur2.hpp"
#include "common/io/event_log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/key_check.hpp"
#include "common/store/profiles.hpp"
#include "matching/profile_document.hpp"
#include "services/commands.hpp"
#include "services/profiles/profile_feed.hpp"
#include "services/publishing.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

namespace zhida {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr int shards = 4;

class profile_import : public testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_);
        settings_.node.shards = shards;
        settings_.node.data_dir = folder_.string();
        settings_.node.config_dir = zhida::tests::in_source("config");
        settings_.redis.url = server_.address();
        settings_.event_log.driver = "redis";
        start_service();
    }
    // What a service does with its key when it starts.
    void start_service() {
        const auto sealer = crypto::load_sealer(contact_key_path(settings_), true).value();
        tests::loop loop;
        io::redis redis(loop.executor(), {.url = settings_.redis.url});
        loop.run(store::claim_key(redis, sealer)).value();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) {
        const auto path = (folder_ / name).string();
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    static std::string read(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    int import(const std::string& file, bool wait = false) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = commands::import_profiles({settings_, true}, file, "", wait);
        errors_ = testing::internal::GetCapturedStderr();
        const auto out = testing::internal::GetCapturedStdout();
        const auto answer = parse_json(out);
        answer_ = answer ? *answer : json();
        return code;
    }
    // Reads the topic from its beginning until `count` records are there.
    std::vector<io::log_record> records(std::size_t count) {
        tests::loop loop;
        auto log = io::make_event_log(loop.executor(), settings_);
        auto consumer = log->broadcast({topics::profile}, true);
        std::vector<io::log_record> all;
        while (all.size() < count) {
            auto event = loop.run(consumer->next(), 20s).value();
            if (auto* some = std::get_if<std::vector<io::log_record>>(&event))
                all.insert(all.end(), some->begin(), some->end());
        }
        loop.run(consumer->close());
        loop.run(log->close());
        return all;
    }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / tests::unique("zhida-import");
    tests::server server_{"redis"};
    config settings_;
    json answer_;
    std::string errors_;
};

const std::string csv_header = "id,type,name,ent.headcount,contact_role,contact_phone\n";

TEST_F(profile_import, good_rows_become_events_and_bad_ones_a_report) {
    const auto file = write("a.csv", csv_header + "91330100799655058B,enterprise,甲公司,35,法人,16400000001\n"
                                                  "9144030071526726XG,enterprise,乙公司,=1+1,,\n"
                                                  "R1,resident,某人,,本人,16400000002\n");
    EXPECT_EQ(import(file), 1); // a row was bad
    EXPECT_EQ(answer_["good"], 2) << errors_;
    EXPECT_EQ(answer_["bad"], 1);
    EXPECT_EQ(answer_["report"], file + ".bad.csv");
    const auto report = read(file + ".bad.csv");
    EXPECT_TRUE(report.starts_with("\xef\xbb\xbf"));
    EXPECT_THAT(report, HasSubstr("\r\n3,ent.headcount,\"'=1+1\","));

    const auto sealer = crypto::load_sealer(settings_.node.data_dir + "/contact.key", false).value();
    const auto catalogue = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    std::map<std::string, profile> seen;
    for (const auto& r : records(2)) {
        EXPECT_THAT(r.value, Not(HasSubstr("1640000000"))); // contacts go in sealed
        const auto event = decode_event(r.headers, r.value).value();
        EXPECT_EQ(event.type, event_type::profile_upserted);
        EXPECT_EQ(event.subject, r.key);
        EXPECT_EQ(r.partition, shard_of(r.key, shards));
        std::vector<failure> errors;
        const auto p = matching::read_profile_document(event.data, catalogue, errors, &sealer).value();
        seen[p.id] = p;
    }
    EXPECT_EQ(seen.at("R1").contacts.at(0).phone, "16400000002");
    EXPECT_EQ(seen.at("91330100799655058B").contacts.at(0).phone, "16400000001");

    // Again, corrected: no bad row, and the old report is gone.
    write("a.csv", csv_header + "91330100799655058B,enterprise,甲公司,36,,\n");
    EXPECT_EQ(import(file), 0) << errors_;
    EXPECT_FALSE(std::filesystem::exists(file + ".bad.csv"));
}

TEST_F(profile_import, a_file_that_cannot_be_read_imports_nothing) {
    EXPECT_EQ(import((folder_ / "none.csv").string()), 2);
    EXPECT_THAT(errors_, HasSubstr("none.csv"));
    EXPECT_EQ(import(folder_.string()), 2);
    EXPECT_THAT(errors_, HasSubstr("Is a directory"));
    EXPECT_EQ(import(write("b.csv", "id,type,nmae\nR1,resident,x\n")), 1);
    EXPECT_THAT(errors_, HasSubstr("'nmae' is not known"));
    EXPECT_EQ(import(write("c.csv", "id,type,name\nR1,resident,\xbc\xd7\n")), 1);
    EXPECT_THAT(errors_, HasSubstr("iconv -f GBK -t UTF-8"));
    EXPECT_EQ(answer_["good"], 0);
}

TEST_F(profile_import, only_the_key_of_the_service_seals) {
    const auto file = write("e.csv", csv_header + "R1,resident,某人,,本人,16400000002\n");
    const auto of_service = settings_.node.data_dir;
    settings_.node.data_dir = (folder_ / "elsewhere").string();
    EXPECT_EQ(import(file), 1);
    EXPECT_THAT(errors_, HasSubstr("use the key of the running service"));
    EXPECT_FALSE(std::filesystem::exists(contact_key_path(settings_))); // none is made

    ASSERT_TRUE(crypto::load_sealer(contact_key_path(settings_), true).has_value()); // a stranger's
    EXPECT_EQ(import(file), 1);
    EXPECT_THAT(errors_, HasSubstr("not the contact key of the installation"));
    EXPECT_EQ(answer_["rows"], 0);
    EXPECT_THROW(start_service(), failure_error);

    settings_.node.data_dir = of_service;
    EXPECT_EQ(import(file), 0) << errors_;
    EXPECT_EQ(records(1).size(), 1U); // nothing but this

    settings_.redis.url.back() = '7'; // the database: no service has started there
    EXPECT_EQ(import(file), 1);
    EXPECT_THAT(errors_, HasSubstr("no service has started with this Redis yet"));
}

TEST_F(profile_import, a_report_that_cannot_be_written_loses_no_good_row) {
    const auto file = write("d.csv", "id,type,name\nR1,robot,x\nR2,resident,y\n");
    std::filesystem::create_directories(file + ".bad.csv"); // a folder stands in its place
    write("d.csv.bad.csv/x", "");
    EXPECT_EQ(import(file), 1);
    EXPECT_THAT(errors_, HasSubstr("cannot be written"));
    EXPECT_EQ(answer_["good"], 1);
    EXPECT_EQ(records(1).at(0).key, "R2");
}

// What the matcher does with the events, until it has seen `count` of them.
void apply(const config& settings, const crypto::sealer& sealer, std::size_t count) {
    tests::loop loop;
    const auto catalogue = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    auto log = io::make_event_log(loop.executor(), settings);
    loop.run(log->ensure(all_topics(shards))).value();
    io::redis redis(loop.executor(), {.url = settings.redis.url});
    store::profiles stored(redis, sealer, shards);
    auto consumer = log->subscribe("test", {topics::profile});
    for (std::size_t seen = 0; seen < count;) {
        auto event = loop.run(consumer->next(), 30s).value();
        auto* some = std::get_if<std::vector<io::log_record>>(&event);
        if (!some) continue;
        std::map<int, std::pair<std::map<std::string, profile>, std::int64_t>> by_shard;
        for (const auto& r : *some) {
            std::vector<failure> errors;
            const auto e = decode_event(r.headers, r.value).value();
            auto p = matching::read_profile_document(e.data, catalogue, errors, &sealer).value();
            auto& [rows, next] = by_shard[r.partition];
            rows[p.id] = std::move(p);
            next = r.offset + 1;
        }
        for (auto& [shard, work] : by_shard) {
            std::vector<profile> rows;
            for (auto& [id, p] : work.first) rows.push_back(std::move(p));
            loop.run(stored.put(shard, std::move(rows), work.second)).value();
        }
        seen += some->size();
    }
    loop.run(consumer->close());
    loop.run(log->close());
}

TEST_F(profile_import, a_synthetic_population_is_applied_and_can_be_imported_again) {
    const auto file = (folder_ / "people.jsonl").string();
    testing::internal::CaptureStdout();
    ASSERT_EQ(
        commands::synth({settings_, true}, {.enterprises = 200, .residents = 300, .seed = 7, .out = file}),
        0);
    EXPECT_EQ(parse_json(testing::internal::GetCapturedStdout()).value()["rows"], 500);

    const auto sealer = crypto::load_sealer(settings_.node.data_dir + "/contact.key", true).value();
    std::thread owner([&] { apply(settings_, sealer, 1000); });
    EXPECT_EQ(import(file, true), 0) << errors_;
    EXPECT_EQ(answer_["applied"], true);
    EXPECT_EQ(answer_["good"], 500);
    EXPECT_EQ(import(file, true), 0) << errors_; // the same subjects: upserts
    owner.join();

    tests::loop loop;
    io::redis redis(loop.executor(), {.url = settings_.redis.url});
    store::profiles stored(redis, sealer, shards);
    EXPECT_EQ(loop.run(stored.count()).value(), 500);
    const auto some = loop.run(stored.sample(subject_type::enterprise, 2)).value();
    ASSERT_EQ(some.size(), 2U);
    EXPECT_TRUE(some[0].subject.name.starts_with("合成·"));
}

// Time that passes only as the feed sleeps.
class jumping_clock final : public clock {
  public:
    wall_time now() const noexcept override { return system_clock().now(); }
    steady_time steady_now() const noexcept override { return at_ += 10'000ms; }

  private:
    mutable steady_time at_{};
};

TEST_F(profile_import, waiting_for_nobody_ends_with_what_is_missing) {
    tests::loop loop;
    const auto sealer = crypto::load_sealer(settings_.node.data_dir + "/contact.key", true).value();
    const auto catalogue = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    auto log = io::make_event_log(loop.executor(), settings_);
    loop.run(log->ensure(all_topics(shards))).value();
    const jumping_clock time;
    std::vector<std::string> said;
    profiles::profile_feed feed(*log, catalogue, sealer, shards, time,
                                [&](const std::string& text) { said.push_back(text); });
    profile p;
    p.id = "R1";
    p.type = subject_type::resident;
    ASSERT_TRUE(loop.run(feed.append({p})).has_value());
    io::redis redis(loop.executor(), {.url = settings_.redis.url});
    store::profiles stored(redis, sealer, shards);
    const auto waited = loop.run(feed.wait_applied(stored));
    ASSERT_FALSE(waited.has_value());
    EXPECT_EQ(waited.error().code, errc::unavailable);
    EXPECT_THAT(waited.error().text(), HasSubstr("1 event of 1 shard"));
    ASSERT_FALSE(said.empty());
    EXPECT_THAT(said[0], HasSubstr("waiting for the matcher"));
    EXPECT_THAT(said.back(), HasSubstr("does zhida run with the matcher role?"));

    server_.stop(); // neither log nor store can be reached: said, and given up
    ASSERT_FALSE(loop.run(feed.append({p})).has_value());
    EXPECT_THAT(said.back(), HasSubstr("waiting for the event log"));
    ASSERT_FALSE(loop.run(feed.wait_applied(stored)).has_value());
    loop.run(log->close());
}

} // namespace
} // namespace zhida
