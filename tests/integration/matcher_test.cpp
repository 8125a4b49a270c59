// The matcher as a whole, on a real Redis: policies, profiles, midnights, restarts, kills, damaged snapshots
// and owners that were overtaken, in any order. After each step what it froze and told, put together, is what
// judging everybody from scratch gives: nobody missing, nobody twice; and its columns are what Redis holds.
#include "services/matcher/matcher.hpp"

#include "common/base/murmur2.hpp"
#include "common/io/redis_log_schema.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/audit.hpp"
#include "common/store/keys.hpp"
#include "matching/profile_document.hpp"
#include "services/matcher/snapshot.hpp"
#include "services/publishing.hpp"

#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"
#include "tests/unit/policy_events.hpp"
#include "tests/unit/random_conditions.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

namespace zhida::matcher {
namespace {

using matching::the_catalogue;
using namespace std::chrono_literals;

constexpr int shards = 2;

const crypto::sealer& sealer() {
    static const auto made = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    return made;
}

// One process with the role of a matcher. Killed, it is left as it is: nothing of it goes on.
struct process {
    process(const config& c, const clock& time)
        : role(loop.executor(), c, the_catalogue(), time, sealer(), meters) {
        role.compact_beyond(4);
        asio::co_spawn(loop.context(), role.run(), [this](std::exception_ptr e) {
            thrown = e;
            ended = true;
        });
    }
    zhida::tests::loop loop;
    metrics meters;
    matcher role;
    std::exception_ptr thrown;
    bool ended = false;
};

std::string enterprise_id(int n) {
    const auto number = std::to_string(n);
    auto organisation = "MA1T" + std::string(4 - number.size(), '0') + number;
    organisation += organisation_check(organisation);
    const auto first17 = "91310113" + organisation;
    return first17 + uscc_check(first17);
}

using pair_name = std::pair<std::string, std::string>; // subject, "policy.version.item"

class installation {
  public:
    explicit installation(unsigned seed)
        : random_(seed), time_(wall_time(milliseconds(1'795'305'600'000))), // 2026-11-22 08:00, Asia/Shanghai
          folder_((std::filesystem::temp_directory_path() / zhida::tests::unique("zhida-matcher")).string()) {
        settings_.redis.url = zhida::tests::redis_url();
        settings_.event_log.driver = "redis";
        settings_.node.shards = shards;
        settings_.node.data_dir = folder_ + "/0";
        settings_.matcher.snapshot_s = 1;
        world_.run(redis_.command({"FLUSHDB"})).value();
        log_ = io::make_event_log(world_.executor(), settings_);
        world_.run(log_->ensure(all_topics(shards))).value();
        told_ = log_->broadcast({topics::match}, true);
        begin();
    }
    ~installation() {
        if (running_) stop();
        world_.run(told_->close());
        world_.run(log_->close());
        std::filesystem::remove_all(folder_);
    }
    installation(const installation&) = delete;
    installation& operator=(const installation&) = delete;

    int any(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    template <class Draw>
    auto drawn(Draw draw) {
        return rc::gen::exec(draw)(rc::Random(random_()), 50).value();
    }
    std::int32_t today() const { return shanghai_day(time_.now()); }

    static double compactions_of(process& p) {
        return p.meters.counter("zhida_compactions_total", "").Value();
    }
    double compactions() const { return compactions_ + compactions_of(*running_); }
    void begin() { running_ = std::make_unique<process>(settings_, time_); }
    void stop() {
        running_->role.stop();
        go_until("it has stopped", [&] { return running_->ended; });
        compactions_ += compactions_of(*running_);
        if (running_->thrown) std::rethrow_exception(running_->thrown);
        running_.reset();
    }
    // Without warning, wherever it is.
    void kill() {
        static auto& graves = *new std::vector<std::unique_ptr<process>>;
        compactions_ += compactions_of(*running_);
        graves.push_back(std::move(running_));
        forget_lease();
    }
    // Between beginning something and having done it, where it can be seen: some handlers after it was begun.
    void kill_in_the_middle() {
        const auto begun = [&] {
            for (int shard = 0; shard < shards; ++shard) {
                const auto at = world_.run(ledgers_.matched_until(shard)).value();
                if (at.policies_begun > at.policy_offset || at.day_begun > at.day ||
                    at.profiles_begun > world_.run(profiles_.applied_offset(shard)).value())
                    return true;
            }
            return false;
        };
        const auto limit = std::chrono::steady_clock::now() + 500ms;
        while (!begun() && std::chrono::steady_clock::now() < limit) one_handler();
        for (int i = any(0, 12); i > 0; --i) one_handler();
        kill();
    }
    // As soon as the campaign's audience is frozen in some shard, and remembered in none: another shard's may
    // be begun only.
    void kill_when_frozen(const std::string& campaign) {
        const auto frozen_in = [&](int shard) {
            return !world_.run(ledgers_.audience_bytes(shard, campaign)).value().empty();
        };
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (!frozen_in(0) && !frozen_in(1)) {
            if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("nothing was frozen");
            one_handler();
        }
        kill();
        for (int shard = 0; shard < shards; ++shard) {
            const auto at = world_.run(ledgers_.matched_until(shard)).value();
            EXPECT_GT(at.policies_begun, at.policy_offset);
            EXPECT_EQ(at.day, today());
        }
    }
    void one_handler() {
        time_.advance(1ms);
        running_->loop.context().restart();
        running_->loop.context().run_one_for(1ms);
    }
    // What a process of another machine would wait for.
    void forget_lease() {
        const auto key = io::redis_log_schema::lease_key(settings_.event_log.group + ".matcher");
        world_.run(redis_.command({"DEL", key})).value();
    }
    void go(process& p, milliseconds real) {
        for (const auto until = std::chrono::steady_clock::now() + real;
             std::chrono::steady_clock::now() < until;) {
            time_.advance(20ms);
            p.loop.run_for(1ms);
        }
    }
    void go(milliseconds real) { go(*running_, real); }
    template <class Done>
    void go_until(const char* what, Done done) {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > limit)
                throw std::runtime_error(std::string("waited for: ") + what);
            go(2ms);
        }
    }

    void new_policy() {
        using namespace matching;
        const auto id = "P" + std::to_string(any(0, 4));
        auto items = drawn([] {
            std::vector<tests::test_item> items;
            for (int i = number(1, 3); i > 0; --i) {
                auto tree = random_tree(2);
                if (number(0, 1)) {
                    const auto months = op_of("monthsAgo", json::array({number(-3, 3)}));
                    const auto dated =
                        op_of(number(0, 1) ? ">=" : "<", {property("ent.established"), months});
                    tree = number(0, 2) ? dated : op_of("and", json::array({dated, tree}));
                }
                items.push_back({std::to_string(i), subject_type::enterprise, std::move(tree)});
                if (number(0, 3) == 0) {
                    items.back().subject = subject_type::resident;
                    items.back().eligibility =
                        op_of("like", json::array({property("person.residence_division"), "310113%"}));
                }
            }
            return items;
        });
        for (auto& item : items)
            if (any(0, 3) == 0) item.window = {{"end", format_date(today() + any(-1, 3))}};
        auto document = tests::policy_document(id, ++versions_[id], items);
        if (any(0, 7) == 0) document["disclosure"] = "依申请公开";
        publish(document);
        if (any(0, 5) == 0) publish(document); // comes twice
        if (any(0, 5) == 0) publish({{"schema", "zhida.policy/1"}, {"id", "broken"}});
    }

    // Known enterprises of both shards, founded on this day.
    void founded(std::int32_t day) {
        for (int n = 20; n < 28; ++n) {
            profile p;
            p.id = enterprise_id(n);
            p.name = "合成";
            p.attributes.set(the_catalogue().find("ent.established")->number, day);
            now_[p.id] = p;
            world_.run(log_->append(profile_message(p, the_catalogue(), sealer(), shards, time_.now())))
                .value();
        }
    }
    void new_profile() {
        profile p;
        const int n = any(0, 17);
        const bool resident = n > 13 || any(0, 11) == 0; // now and then somebody who was the other type
        p.id = n > 13 ? "R310113-" + std::to_string(10'000'000 + n) : enterprise_id(n);
        p.type = resident ? subject_type::resident : subject_type::enterprise;
        p.name = "合成";
        if (any(0, 1)) p.contacts = {{"本人", "16400000001", ""}};
        if (resident) {
            const auto* a = the_catalogue().find("person.residence_division");
            if (any(0, 2)) p.attributes.set(a->number, any(0, 1) ? 310113003 : 310115);
        } else {
            p.attributes = matching::row_of(drawn([] { return matching::random_row(); }));
        }
        auto message = profile_message(p, the_catalogue(), sealer(), shards, time_.now());
        if (any(0, 14) == 0) { // nobody can read it
            message.value = "{";
        } else {
            // What the program makes of the document: it may add a computed attribute.
            std::vector<failure> errors;
            const auto event = decode_event(message.headers, message.value).value();
            now_[p.id] =
                matching::read_profile_document(event.data, the_catalogue(), errors, &sealer()).value();
        }
        world_.run(log_->append(message)).value();
    }
    void midnight() { midnight(any(0, 9) == 0 ? 40 : any(0, 3) == 0 ? 2 : 1); }
    void midnight(int days) { time_.jump_to(time_.now() + std::chrono::hours(24) * days); }
    // A byte of a snapshot, while nobody reads it; or all but its beginning.
    void damage() {
        for (int shard = 0; shard < shards; ++shard) {
            const auto file = snapshot_path(shard);
            std::error_code missing;
            const auto size = std::filesystem::file_size(file, missing);
            if (missing || size == 0) continue;
            if (any(0, 3) == 0) {
                std::filesystem::resize_file(file,
                                             static_cast<std::uintmax_t>(any(0, static_cast<int>(size) - 1)));
                continue;
            }
            std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
            const auto at = any(0, static_cast<int>(size) - 1);
            bytes.seekg(at);
            const char turned = static_cast<char>(bytes.get() ^ (1 << any(0, 7)));
            bytes.seekp(at);
            bytes.put(turned);
        }
    }
    // As if Redis had lost the last events: its snapshots are ahead, and their rows are not those that it
    // will have at their offset. None is written from now on.
    void snapshots_ahead_by(std::int64_t events) {
        settings_.matcher.snapshot_s = 0;
        const row_layouts layouts(the_catalogue());
        for (int shard = 0; shard < shards; ++shard) {
            const auto place = world_.run(profiles_.place(shard)).value();
            auto image =
                encode_snapshot(shard_rows(layouts), {shard, place.lineage, place.applied_offset + events},
                                fingerprint(layouts));
            write_snapshot(snapshot_path(shard), std::move(image)).value();
        }
    }
    void write_snapshots_again() { settings_.matcher.snapshot_s = 1; }
    void without_snapshots() { std::filesystem::remove_all(settings_.node.data_dir); }
    // The process stands still, another takes its shards and works; then it goes on where it was.
    void overtake() {
        auto before = std::move(running_);
        forget_lease();
        settings_.node.data_dir = folder_ + "/" + std::to_string(++processes_); // on another machine
        begin();
        if (any(0, 1)) new_profile();
        if (any(0, 2) == 0) new_policy();
        go(milliseconds(any(0, 60)));
        if (any(0, 1)) settle();
        for (int i = 0; i < 30; ++i) {
            go(*before, 2ms);
            go(2ms);
        }
        std::swap(running_, before);
        kill();
        running_ = std::move(before);
        settle();
    }
    // What the last owner, whose clock was ahead, has begun before it was killed.
    void someone_began(std::int32_t day) {
        for (int shard = 0; shard < shards; ++shard)
            world_
                .run(redis_.command(
                    {"HSET", store::keys::shard_state(shard), "day_begun", std::to_string(day)}))
                .value();
    }
    void apply_profiles() {
        go_until("every profile is applied", [&] {
            const auto profiles = world_.run(log_->end_offsets(topics::profile)).value();
            for (int shard = 0; shard < shards; ++shard)
                if (world_.run(profiles_.applied_offset(shard)).value() !=
                    profiles[static_cast<std::size_t>(shard)])
                    return false;
            return true;
        });
    }
    void settle() {
        go_until("everything is judged", [&] {
            if (running_->ended && running_->thrown) std::rethrow_exception(running_->thrown);
            const auto policies = world_.run(log_->end_offsets(topics::policy)).value();
            const auto profiles = world_.run(log_->end_offsets(topics::profile)).value();
            for (int shard = 0; shard < shards; ++shard) {
                const auto at = world_.run(ledgers_.matched_until(shard)).value();
                const auto applied = world_.run(profiles_.applied_offset(shard)).value();
                if (at.day != today() || at.policy_offset != policies[0] ||
                    applied != profiles[static_cast<std::size_t>(shard)])
                    return false;
            }
            return true;
        });
    }

    // What was frozen and told, in the order it was told.
    void check() {
        std::map<pair_name, bool> eligible;
        for (const auto& [campaign, document] : published_) frozen(campaign, document, eligible);
        read_told();
        for (const auto& id : order_) {
            const auto& data = told_events_.at(id);
            const auto subject = data["subject"].get<std::string>();
            const auto each = [&](const char* list, bool now) {
                for (const auto& i : data[list]) {
                    const pair_name name{subject, i["policy"].get<std::string>() + "." +
                                                      std::to_string(i["version"].get<int>()) + "." +
                                                      i["item"].get<std::string>()};
                    EXPECT_NE(eligible[name], now)
                        << id << " tells again: " << name.first << " " << name.second;
                    eligible[name] = now;
                }
            };
            each("no_longer", false);
            each("newly", true);
        }
        for (const auto& [id, document] : newest_)
            for (const auto& [subject, who] : now_) {
                const auto expected = judged(document, who);
                for (const auto& item : document["items"]) {
                    const auto name = id + "." + std::to_string(document["version"].get<int>()) + "." +
                                      item["id"].get<std::string>();
                    if (is_over(item)) continue; // nothing is told of it any more
                    const pair_name both{subject, name};
                    EXPECT_EQ(eligible[both], expected.contains(item["id"].get<std::string>()))
                        << subject << " " << name << " on " << format_date(today());
                }
            }
    }
    // The rows of the snapshots that come now, against Redis.
    void check_rows() {
        const row_layouts layouts(the_catalogue());
        for (int shard = 0; shard < shards; ++shard) {
            const auto place = world_.run(profiles_.place(shard)).value();
            if (place.applied_offset == 0) continue;
            std::optional<snapshot> found;
            go_until("a snapshot of all events", [&] {
                auto read =
                    read_snapshot(snapshot_path(shard), layouts, fingerprint(layouts), shard, place.lineage);
                if (!read || read->applied_offset != place.applied_offset) return false;
                found = std::move(*read);
                return true;
            });
            std::size_t present = 0, stored = 0;
            for (const auto type : {subject_type::enterprise, subject_type::resident})
                for (std::size_t row = 0; row < found->rows.of(type).rows(); ++row)
                    present += found->rows.of(type).present(row) ? 1 : 0;
            const auto all = world_.run(profiles_.load(shard)).value();
            for (const auto& p : all) {
                if (p.id.empty()) continue;
                ++stored;
                const auto unpacked = unpack_profile(p.packed).value();
                const auto at = found->rows.find(unpacked.ordinal);
                ASSERT_TRUE(at.has_value()) << p.id;
                EXPECT_EQ(at->type, unpacked.subject.type) << p.id;
                EXPECT_EQ(found->rows.of(at->type).get(at->row), unpacked.subject.attributes) << p.id;
                EXPECT_EQ(found->rows.reachable_of(*at), unpacked.reachable) << p.id;
                EXPECT_EQ(unpacked.subject.attributes, now_.at(p.id).attributes) << p.id;
            }
            EXPECT_EQ(present, stored);
        }
    }
    bool has_snapshot(int shard) const { return std::filesystem::exists(snapshot_path(shard)); }
    std::size_t told() const { return order_.size(); }
    std::int64_t dead_letters() { return world_.run(log_->end_offsets(topics::dead_letter)).value()[0]; }
    void publish(const json& document) {
        auto record = tests::policy_record(document, ++published_events_);
        for (auto& [name, value] : record.headers)
            if (name == "ce_time") value = to_rfc3339(time_.now());
        world_.run(log_->append({topics::policy, 0, "", record.value, record.headers})).value();
        if (!document.contains("items")) return;
        const auto id = document["id"].get<std::string>();
        newest_[id] = document;
        published_[campaign_id(id, document["version"].get<int>(), 1)] = document;
    }
    std::string snapshot_path(int shard) const {
        return settings_.node.data_dir + "/matcher/shard-000" + std::to_string(shard) + ".snapshot";
    }
    store::campaigns& campaigns() { return campaigns_; }
    store::ledgers& ledgers() { return ledgers_; }
    // Who the log says is in the campaign's audience.
    std::vector<std::uint32_t> told_audience(int shard, const std::string& campaign) {
        std::vector<std::uint32_t> ordinals;
        for (const auto& r : world_.run(log_->read({topics::delivery, shard}, 0, 1000)).value()) {
            const auto event = decode_event(r.headers, r.value).value();
            if (event.type != event_type::audience_frozen || event.subject != campaign) continue;
            for (const auto& m : read_audience(event.data).value().members) ordinals.push_back(m.ordinal);
        }
        return ordinals;
    }
    zhida::tests::loop& world() { return world_; }

  private:
    bool is_over(const json& item) const {
        std::int32_t end = 0;
        return item.contains("window") && parse_date(item["window"]["end"].get<std::string>(), end) &&
               today() > end;
    }
    std::set<std::string> judged(const json& document, const profile& who) const {
        std::vector<failure> errors;
        const auto checked = matching::check_policy(document, the_catalogue(), errors).value();
        std::set<std::string> out;
        if (!checked.document.may_be_pushed()) return out;
        for (std::size_t i = 0; i < checked.conditions.size(); ++i)
            if (checked.document.items[i].subject == who.type &&
                matching::judge(checked.conditions[i], who.attributes, today()).outcome ==
                    matching::verdict::eligible)
                out.insert(checked.document.items[i].id);
        return out;
    }
    void frozen(const std::string& campaign, const json& document, std::map<pair_name, bool>& to) {
        for (int shard = 0; shard < shards; ++shard) {
            const auto size = world_.run(ledgers_.audience_bytes(shard, campaign)).value().size() / 4;
            if (size == 0) continue;
            const auto view = world_
                                  .run(ledgers_.load(shard, campaign, channel::web, 0,
                                                     static_cast<std::uint32_t>(size), true))
                                  .value();
            for (const auto& m : view.members)
                for (std::size_t i = 0; i < document["items"].size(); ++i)
                    if (m.now.items >> i & 1)
                        to[{m.subject_id, document["id"].get<std::string>() + "." +
                                              std::to_string(document["version"].get<int>()) + "." +
                                              document["items"][i]["id"].get<std::string>()}] = true;
        }
    }
    // By event id, in the order of the first that says it; a repetition says the same.
    void read_told() {
        const auto ends = world_.run(log_->end_offsets(topics::match)).value();
        const auto left = [&] {
            for (int shard = 0; shard < shards; ++shard)
                if (read_[shard] < ends[static_cast<std::size_t>(shard)]) return true;
            return false;
        };
        while (left()) {
            auto event = world_.run(told_->next()).value();
            auto* records = std::get_if<std::vector<io::log_record>>(&event);
            if (!records) continue;
            for (const auto& r : *records) {
                read_[r.partition] = r.offset + 1;
                const auto e = decode_event(r.headers, r.value).value();
                EXPECT_EQ(shard_of(e.subject, shards), r.partition);
                if (const auto known = told_events_.find(e.id); known != told_events_.end()) {
                    EXPECT_EQ(known->second, e.data) << e.id << " says something else the second time";
                    continue;
                }
                told_events_[e.id] = e.data;
                order_.push_back(e.id);
            }
        }
    }

    std::mt19937 random_;
    manual_clock time_;
    std::string folder_;
    config settings_;
    zhida::tests::loop world_;
    io::redis redis_{world_.executor(), {zhida::tests::redis_url(), milliseconds(5000)}};
    store::profiles profiles_{redis_, sealer(), shards};
    store::ledgers ledgers_{redis_};
    store::campaigns campaigns_{redis_, shards};
    std::unique_ptr<io::event_log> log_;
    std::unique_ptr<io::log_consumer> told_;
    std::unique_ptr<process> running_;
    std::map<std::string, int> versions_;
    std::map<std::string, json> newest_, published_; // by policy; by campaign
    std::map<std::string, profile> now_;
    std::map<int, std::int64_t> read_;
    std::map<std::string, json> told_events_;
    std::vector<std::string> order_;
    std::int64_t published_events_ = 0;
    int processes_ = 0;
    double compactions_ = 0; // of processes that are gone
};

class matcher_model : public testing::TestWithParam<unsigned> {};

TEST_P(matcher_model, says_what_judging_from_scratch_says) {
    installation it(GetParam());
    for (int step = 0; step < 30; ++step) {
        SCOPED_TRACE("step " + std::to_string(step));
        // Some events, which the next act may meet half done.
        for (int i = it.any(0, 6); i > 0; --i) it.any(0, 3) ? it.new_profile() : it.new_policy();
        if (it.any(0, 2) == 0) it.midnight();
        if (it.any(0, 1)) it.go(milliseconds(it.any(0, 25)));
        switch (it.any(0, 8)) {
        case 0:
            it.stop();
            it.begin();
            break;
        case 1:
            it.stop();
            it.damage();
            it.begin();
            break;
        case 2:
            it.kill();
            it.without_snapshots();
            it.begin();
            break;
        case 3:
            it.kill();
            it.begin();
            break;
        case 4:
        case 5:
            it.kill_in_the_middle();
            if (it.any(0, 1)) it.midnight();
            if (it.any(0, 1)) it.new_policy();
            if (it.any(0, 1)) it.new_profile();
            it.begin();
            break;
        case 6:
            it.overtake();
            break;
        default:
            break;
        }
        it.settle();
        it.check();
        if (step % 5 == 4) it.go(milliseconds(600)); // the time to lay rows out again
        if (step % 5 == 4) it.check_rows();
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(it.told(), 0U);
    EXPECT_GT(it.compactions(), 0);
}
INSTANTIATE_TEST_SUITE_P(seeds, matcher_model, testing::Values(1U, 2U, 3U, 4U));

TEST(matcher, tells_nobody_of_what_is_over) {
    installation it(1);
    for (int i = 0; i < 20; ++i) it.new_profile();
    it.settle();
    const auto everybody = matching::op_of(
        "or", json::array({matching::op_of("isNull", json::array({matching::property("ent.headcount")})),
                           matching::op_of(">=", {matching::property("ent.headcount"), 0})}));
    const auto document = [&](const char* id, std::int32_t end) {
        return tests::policy_document(
            id, 1, {{"1", subject_type::enterprise, everybody, {{"end", format_date(end)}}}});
    };
    it.publish(document("over", it.today() - 1));
    it.publish(document("today", it.today()));
    it.settle();
    const auto over = it.world().run(it.campaigns().progress("over.v1.r1", 1)).value(),
               still = it.world().run(it.campaigns().progress("today.v1.r1", 1)).value();
    EXPECT_EQ(over.audience, 0);
    EXPECT_EQ(over.about.state, campaign_state::finished);
    EXPECT_GT(still.audience, 0);
    EXPECT_EQ(still.about.state, campaign_state::draft);
    it.midnight();
    it.settle();
    const auto told = it.told();
    for (int i = 0; i < 20; ++i) it.new_profile();
    it.settle();
    it.check();
    EXPECT_EQ(it.told(), told) << "both are over";
}

json established(const char* op, int months) {
    return matching::op_of(
        op, {matching::property("ent.established"), matching::op_of("monthsAgo", json::array({months}))});
}

// Whoever the day after moves over a cut-off of it is in the audience of the day before, or is told.
TEST(matcher, finishes_a_policy_on_the_day_it_was_begun_on) {
    for (const bool ends_today : {false, true}) {
        SCOPED_TRACE(ends_today ? "its window ends on that day" : "it stands on the day after");
        installation it(1);
        it.founded(add_months(it.today(), -1));
        it.settle();
        const json window = ends_today ? json{{"end", format_date(it.today())}} : json();
        it.publish(tests::policy_document("P", 1,
                                          {{"1", subject_type::enterprise, established(">=", 1), window},
                                           {"2", subject_type::enterprise, established("<", 1), window}}));
        it.kill_when_frozen("P.v1.r1");
        it.midnight(1);
        it.begin();
        it.settle();
        it.check();
        // Frozen on the same day in the shard whose audience was begun only.
        const auto campaign = it.world().run(it.campaigns().progress("P.v1.r1", 2)).value();
        EXPECT_EQ(campaign.audience, 8);
        EXPECT_EQ(campaign.about.state, campaign_state::draft);
        EXPECT_EQ(it.told(), ends_today ? 0U : 8U);
    }
}

// As where the one before froze it, did not come to tell it, and a profile has changed since.
TEST(matcher, tells_the_audience_that_was_frozen) {
    installation it(1);
    it.founded(add_months(it.today(), -1));
    it.settle();
    it.world().run(it.ledgers().freeze(0, "P.v1.r1", {channel::web}, {{0, 1}}, {})).value();
    it.publish(
        tests::policy_document("P", 1, {{"1", subject_type::enterprise, established(">=", 1), json()}}));
    it.settle();
    EXPECT_EQ(it.told_audience(0, "P.v1.r1"), std::vector<std::uint32_t>{0});
}

json either_side_of_a_month() {
    return tests::policy_document("P", 1,
                                  {{"1", subject_type::enterprise, established(">=", 1)},
                                   {"2", subject_type::enterprise, established("<", 1)}});
}

TEST(matcher, finishes_a_day_that_was_begun_before_any_profile_comes) {
    installation it(1);
    it.founded(add_months(it.today(), -1));
    it.publish(either_side_of_a_month());
    it.settle();
    it.check();
    const auto told = it.told();
    it.kill();
    it.someone_began(it.today() + 1); // a clock a little ahead of ours
    it.founded(add_months(it.today() + 1, -1));
    it.begin();
    it.apply_profiles();
    it.midnight(1);
    it.settle();
    it.check();
    EXPECT_EQ(it.told() - told, 16U) << "eight by the day, and again by their profiles";
}

TEST(matcher, does_not_believe_in_a_day_that_has_not_come) {
    installation it(1);
    it.founded(add_months(it.today(), -1));
    it.publish(either_side_of_a_month());
    it.settle();
    it.check();
    const auto told = it.told();
    it.kill();
    it.someone_began(it.today() + 100);
    it.begin();
    it.settle();
    it.midnight(1);
    it.settle();
    it.check();
    EXPECT_EQ(it.told() - told, 8U);
}

TEST(matcher, removes_snapshots_that_are_ahead_of_redis) {
    installation it(1);
    it.founded(it.today());
    it.settle();
    it.check_rows();
    it.stop();
    it.snapshots_ahead_by(1);
    it.begin();
    it.founded(it.today() - 1); // beyond the offset of what was refused
    it.settle();
    for (int shard = 0; shard < shards; ++shard) EXPECT_FALSE(it.has_snapshot(shard)) << shard;
    it.kill();
    it.write_snapshots_again();
    it.begin();
    it.settle();
    it.founded(it.today() - 2);
    it.settle();
    it.check_rows();
}

// Events that were applied before a snapshot's end are read again after a restart, not buried again.
TEST(matcher, buries_what_it_cannot_read_once) {
    installation it(5);
    for (int i = 0; i < 60; ++i) it.new_profile();
    it.settle();
    it.check_rows(); // snapshots are there
    for (int i = 0; i < 60; ++i) it.new_profile();
    it.settle();
    const auto buried = it.dead_letters();
    EXPECT_GT(buried, 0);
    it.kill();
    it.begin();
    it.settle();
    it.check_rows();
    EXPECT_EQ(it.dead_letters(), buried);
}

} // namespace
} // namespace zhida::matcher
