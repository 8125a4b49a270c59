#include "services/matcher/matcher.hpp"

#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/model/topics.hpp"
#include "matching/profile_document.hpp"
#include "services/dead_letter.hpp"
#include "services/persist.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

namespace zhida::matcher {

matcher::matcher(asio::any_io_executor executor, const config& c, const matching::catalogue& catalogue,
                 const clock& clock, const crypto::sealer& sealer, metrics& meters)
    : config_(c), catalogue_(catalogue), clock_(clock), sealer_(sealer),
      redis_(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)}),
      log_(io::make_event_log(executor, c)), profiles_(redis_, sealer, static_cast<int>(c.node.shards)),
      policies_(redis_), campaigns_(redis_, static_cast<int>(c.node.shards)), ledgers_(redis_),
      layouts_(catalogue), policy_log_(catalogue), turn_(executor),
      profiles_written_(meters.counter("zhida_profiles_written_total", "Profile events applied")),
      policies_judged_(meters.counter("zhida_policies_judged_total", "Policy events judged, once a shard")),
      subjects_matched_(meters.counter("zhida_subjects_matched_total", "Subjects put into audiences")),
      events_buried_(meters.counter("zhida_matcher_dead_letters_total", "Events that could not be read")) {}

asio::awaitable<void> matcher::run() {
    const auto shards = static_cast<std::int32_t>(config_.node.shards);
    profile_consumer_ = log_->subscribe(config_.event_log.group + ".matcher", {topics::profile});
    policy_consumer_ = log_->broadcast({topics::policy}, true);
    log::info("matcher started", {{"shards", shards}});
    using namespace boost::asio::experimental::awaitable_operators;
    co_await (follow_profiles() && follow_policies());
    co_await profile_consumer_->close(); // stop() began it: wait until it has left
    co_await policy_consumer_->close();
    co_await log_->close();
    redis_.close();
    log::info("matcher stopped");
}

void matcher::stop() {
    stopping_ = true;
    const auto executor = turn_.executor();
    for (auto* consumer : {profile_consumer_.get(), policy_consumer_.get()})
        if (consumer) asio::co_spawn(executor, consumer->close(), asio::detached);
}

asio::awaitable<void> matcher::follow_profiles() {
    while (!stopping_) {
        auto event = co_await profile_consumer_->next();
        if (!event) {
            if (event.error().code == errc::cancelled) break;
            log::warn("profiles cannot be read", {{"why", event.error().text()}});
            co_await io::sleep_for(clock_, milliseconds(500));
            continue;
        }
        const auto turn = co_await turn_.lock();
        if (auto* records = std::get_if<std::vector<io::log_record>>(&*event)) {
            must(co_await apply_profiles(std::move(*records)));
        } else if (auto* gained = std::get_if<io::assigned>(&*event)) {
            must(co_await take(std::move(gained->partitions)));
        } else {
            for (const auto& p : std::get<io::revoked>(*event).partitions) shards_.erase(p.partition);
            log::info("shards given up", {{"left", shards_.size()}});
        }
    }
}

asio::awaitable<void> matcher::follow_policies() {
    while (!stopping_) {
        auto event = co_await policy_consumer_->next();
        if (!event) {
            if (event.error().code == errc::cancelled) break;
            log::warn("policies cannot be read", {{"why", event.error().text()}});
            co_await io::sleep_for(clock_, milliseconds(500));
            continue;
        }
        auto* records = std::get_if<std::vector<io::log_record>>(&*event);
        if (!records) continue;
        const auto turn = co_await turn_.lock();
        for (auto& r : *records) policy_log_.add(std::move(r));
        must(co_await judge_pending());
    }
}

asio::awaitable<bool> matcher::take(std::vector<io::topic_partition> partitions) {
    for (const auto& p : partitions) {
        const int number = p.partition;
        shard s(layouts_);
        // First how far they are applied, then the profiles: what comes in between is applied twice, not
        // lost.
        auto applied = co_await persist(clock_, stopping_, "loading the shard's place",
                                        [&] { return profiles_.applied_offset(number); });
        auto loaded =
            co_await persist(clock_, stopping_, "loading profiles", [&] { return profiles_.load(number); });
        auto offset = co_await persist(clock_, stopping_, "loading the shard's place",
                                       [&] { return ledgers_.policy_offset(number); });
        if (!loaded || !offset || !applied) co_return false;
        // The log may have stored more than Redis still has, after a crash or a restore.
        profile_consumer_->seek({topics::profile, number}, *applied);
        std::vector<std::string> packed;
        for (auto& row : *loaded) packed.push_back(std::move(row.packed));
        if (const auto lost = s.subjects.load(packed); lost > 0)
            log::error("profiles cannot be read", {{"shard", number}, {"count", lost}});
        s.policy_offset = *offset;
        shards_.insert_or_assign(number, std::move(s));
    }
    log::info("shards taken", {{"gained", partitions.size()}, {"owned", shards_.size()}});
    co_return co_await judge_pending();
}

asio::awaitable<bool> matcher::apply_profiles(std::vector<io::log_record> records) {
    struct work {
        std::vector<profile> rows;
        std::int64_t next_offset = 0;
    };
    std::map<int, work> by_shard;
    for (auto& record : records) {
        auto& w = by_shard[record.partition];
        w.next_offset = record.offset + 1;
        std::vector<failure> errors;
        auto event = decode_event(record.headers, record.value);
        if (!event) {
            errors.push_back(event.error());
        } else if (event->type != event_type::profile_upserted) {
            errors.push_back({errc::invalid, "event type '" + event->type + "' is not known here", "ce_type",
                              std::string("a profile has the type ") + event_type::profile_upserted});
        } else {
            auto row = matching::read_profile_document(event->data, catalogue_, errors, &sealer_);
            if (row && errors.empty() &&
                shard_of(row->id, static_cast<int>(config_.node.shards)) != record.partition)
                errors.push_back({errc::invalid,
                                  "subject " + log::masked(row->id) + " does not belong to partition " +
                                      std::to_string(record.partition),
                                  "key",
                                  "key the event by the subject id and use Kafka's default partitioner"});
            if (row && errors.empty()) w.rows.push_back(std::move(*row));
        }
        if (!errors.empty() && !co_await bury_record(std::move(record), std::move(errors))) co_return false;
    }
    for (auto& [number, w] : by_shard) {
        if (!shards_.contains(number)) continue;
        if (!co_await write_rows(number, std::move(w.rows), w.next_offset)) co_return false;
        profile_consumer_->store({topics::profile, number}, w.next_offset);
    }
    co_return true;
}

asio::awaitable<bool> matcher::write_rows(int number, std::vector<profile> rows, std::int64_t next_offset) {
    // Several events of one subject in a batch: the script would number it once for each, so the last one
    // stands for all.
    std::unordered_map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < rows.size(); ++i) last[rows[i].id] = i;
    std::vector<profile> distinct;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (last[rows[i].id] == i) distinct.push_back(std::move(rows[i]));

    auto ordinals = co_await persist(clock_, stopping_, "writing profiles",
                                     [&] { return profiles_.put(number, distinct, next_offset); });
    if (!ordinals) co_return false;
    auto& subjects = shards_.at(number).subjects;
    for (std::size_t i = 0; i < distinct.size(); ++i)
        subjects.put((*ordinals)[i], distinct[i].type, distinct[i].attributes,
                     reachable(distinct[i].contacts));
    profiles_written_.Increment(static_cast<double>(rows.size()));
    co_return true;
}

asio::awaitable<bool> matcher::judge_pending() {
    const auto& events = policy_log_.events();
    std::int64_t lowest = policy_log_.end();
    for (const auto& [number, s] : shards_) lowest = std::min(lowest, s.policy_offset);
    for (std::size_t i = policy_log_.from(lowest); i < events.size(); ++i) {
        std::vector<int> behind;
        for (const auto& [number, s] : shards_)
            if (s.policy_offset <= events[i].record.offset) behind.push_back(number);
        if (!behind.empty() && !co_await judge(events[i], std::move(behind))) co_return false;
    }
    co_return true;
}

asio::awaitable<bool> matcher::judge(const policy_event& event, std::vector<int> shards) {
    const auto next = event.record.offset + 1;
    if (!event.checked) {
        // One of the matchers buries it: the owner of the first shard.
        if (shards.front() == 0 && !co_await bury_record(event.record, event.errors)) co_return false;
    } else if (!event.repeated) {
        if (!co_await push(event, shards)) co_return false;
    }
    auto stored = co_await persist(clock_, stopping_, "storing the shards' place",
                                   [&] { return ledgers_.set_policy_offsets(shards, next); });
    if (!stored) co_return false;
    for (const int number : shards) shards_.at(number).policy_offset = next;
    policies_judged_.Increment(static_cast<double>(shards.size()));
    co_return true;
}

asio::awaitable<bool> matcher::push(const policy_event& event, std::vector<int> shards) {
    const auto& [p, conditions] = *event.checked;
    const auto received = event.record.timestamp_ms;
    auto kept = co_await persist(clock_, stopping_, "keeping the policy", [&] {
        return policies_.put(p, event.document, received, p.may_be_pushed());
    });
    if (!kept) co_return false;
    if (!p.may_be_pushed()) {
        log::info("policy kept, not pushed", {{"policy", p.id}, {"disclosure", p.disclosure}});
        co_return true;
    }
    campaign c;
    c.policy_id = p.id;
    c.policy_version = p.version;
    c.id = campaign_id(p.id, p.version, c.round);
    c.title = p.title;
    c.issuer = p.issuer;
    c.channels = p.channels;
    c.created_ms = received;
    auto put = co_await persist(clock_, stopping_, "keeping the campaign", [&] { return campaigns_.put(c); });
    if (!put) co_return false;

    const auto started = clock_.steady_now();
    const auto today = shanghai_day(wall_time(milliseconds(received)));
    const auto chunk = static_cast<std::uint32_t>(config_.dispatch.chunk);
    std::int64_t matched = 0;
    std::vector<io::log_message> messages;
    const auto plans = plans_of(p, conditions, layouts_, today);
    for (const int number : shards) {
        auto selected = select_audience(p, plans, shards_.at(number).subjects, scan_space_);
        auto size = co_await persist(clock_, stopping_, "freezing the audience", [&] {
            return ledgers_.freeze(number, c.id, c.channels, selected.members, selected.verdicts);
        });
        if (!size) co_return false;
        matched += *size;
        for (const auto via : c.channels)
            for (std::uint32_t first = 0; first < *size; first += chunk) {
                cloud_event e;
                e.id =
                    c.id + "/" + std::to_string(number) + "/" + to_string(via) + "/" + std::to_string(first);
                e.source = "/zhida/matcher";
                e.type = event_type::dispatch_chunk;
                e.subject = c.id;
                e.time = to_rfc3339(clock_.now());
                e.data = {{"campaign", c.id},
                          {"shard", number},
                          {"channel", to_string(via)},
                          {"first", first},
                          {"count", std::min(chunk, *size - first)}};
                auto encoded = encode_event(e);
                messages.push_back(
                    {topics::dispatch(via), number, c.id, std::move(encoded.value), encoded.headers});
            }
    }
    auto appended = co_await persist(clock_, stopping_, "handing out dispatch records",
                                     [&] { return log_->append_all(messages); });
    if (!appended) co_return false;
    subjects_matched_.Increment(static_cast<double>(matched));
    log::info("policy matched", {{"policy", p.id},
                                 {"version", p.version},
                                 {"shards", shards.size()},
                                 {"matched", matched},
                                 {"records", messages.size()},
                                 {"ms", (clock_.steady_now() - started).count()}});
    co_return true;
}

void matcher::must(bool done) const {
    if (!done && !stopping_)
        throw failure_error({errc::invalid, "the matcher cannot go on: see the lines above", "", ""});
}

asio::awaitable<bool> matcher::bury_record(io::log_record record, std::vector<failure> errors) {
    events_buried_.Increment();
    auto buried = co_await persist(clock_, stopping_, "burying an event", [&] {
        return bury(*log_, record, errors, "matcher", to_rfc3339(clock_.now()));
    });
    if (!buried && !stopping_)
        throw failure_error(buried.error()); // nothing may be passed over without a trace
    co_return buried.has_value();
}

} // namespace zhida::matcher
