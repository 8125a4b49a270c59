// Profile events: read, judged against the policies that stand, told, written.
#include "services/matcher/matcher.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "matching/profile_document.hpp"
#include "services/persist.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace zhida::matcher {

namespace {

// After so many rows others get their turn on this thread: a preview does not wait for a batch.
constexpr std::size_t rows_at_once = 32;

// The rows of events before this offset.
template <class Rows>
Rows take_before(Rows& rows, std::int64_t offset) {
    const auto end =
        std::find_if(rows.begin(), rows.end(), [offset](const auto& a) { return a.offset >= offset; });
    Rows taken(std::make_move_iterator(rows.begin()), std::make_move_iterator(end));
    rows.erase(rows.begin(), end);
    return taken;
}

} // namespace

asio::awaitable<bool> matcher::apply_profiles(std::vector<io::log_record> records) {
    std::map<int, arrivals> by_shard;
    for (const auto& r : records) // before anything is awaited
        if (const auto s = shards_.find(r.partition); s != shards_.end())
            by_shard[r.partition].epoch = s->second.epoch;
    if (!co_await read_arrivals(std::move(records), by_shard)) co_return false;
    for (auto& [number, came] : by_shard)
        while (!stopping_) {
            const auto so_far = co_await apply(number, came);
            if (so_far == outcome::stopped) co_return false;
            if (so_far == outcome::done) break;
            // At the start the policies may not be known yet that the shard was judged against.
            co_await io::sleep_for(clock_, milliseconds(5));
        }
    co_return true;
}

asio::awaitable<matcher::outcome> matcher::apply(int number, arrivals& came) {
    const auto turn = co_await turn_.lock();
    const auto owned = [this, number]() -> shard* {
        const auto found = shards_.find(number);
        return found == shards_.end() ? nullptr : &found->second;
    };
    auto* s = owned();
    // What came before the shard was taken (again) may lie behind what it lacks: its log is read again from
    // there. A gap in the offsets would not tell: a log may have gaps of its own.
    if (!s || s->epoch != came.epoch) co_return outcome::done;
    auto old = take_before(came.rows, s->applied);
    if (s->read < s->applied) {
        if (!co_await replay(number, std::move(old))) co_return outcome::stopped;
        s->read = std::min(came.next_offset, s->applied);
    }
    while (came.next_offset > s->applied) {
        if (!in_step(*s)) co_return outcome::waiting;
        const bool begun = s->applied < s->profiles_begun;
        if (!begun && !up_to_date(*s)) {
            if (!co_await judge_pending()) co_return outcome::stopped;
            s = owned();
            if (!s) co_return outcome::done;
            if (!up_to_date(*s)) co_return outcome::waiting;
        }
        const auto until = begun ? std::min(came.next_offset, s->profiles_begun) : came.next_offset;
        auto rows = take_before(came.rows, until);
        if (!co_await judge_arrivals(number, rows, until) ||
            !co_await write_rows(number, std::move(rows), until))
            co_return outcome::stopped;
        s = owned();
        if (!s) co_return outcome::done;
        profile_consumer_->store({topics::profile, number}, until);
    }
    // Policies and days may have waited for these rows.
    if (may_move_on(*s) && !up_to_date(*s) && !co_await judge_pending()) co_return outcome::stopped;
    co_return outcome::done;
}

asio::awaitable<bool> matcher::read_arrivals(std::vector<io::log_record> records,
                                             std::map<int, arrivals>& by_shard) {
    std::size_t done = 0;
    for (auto& record : records) {
        auto& came = by_shard[record.partition];
        came.next_offset = record.offset + 1;
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
            if (row && errors.empty()) came.rows.push_back({std::move(*row), record.offset});
        }
        // What was applied before was buried before.
        const auto owned = shards_.find(record.partition);
        const bool before = owned != shards_.end() && record.offset < owned->second.applied;
        if (!errors.empty() && !before && !co_await bury_record(std::move(record), std::move(errors)))
            co_return false;
        if (++done % rows_at_once == 0) co_await asio::post(turn_.executor(), asio::use_awaitable);
    }
    co_return true;
}

// Events that Redis has already, and that were judged: only the rows, which come from a snapshot, lack them.
asio::awaitable<bool> matcher::replay(int number, std::vector<arrival> rows) {
    std::vector<std::string> ids;
    ids.reserve(rows.size());
    for (const auto& a : rows) ids.push_back(a.row.id);
    if (ids.empty()) co_return true;
    auto ordinals = co_await persist(clock_, stopping_, "asking for ordinals",
                                     [&] { return profiles_.ordinals(number, ids); });
    if (!ordinals) co_return false;
    auto& s = shards_.at(number);
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (const auto ordinal = (*ordinals)[i]) put_row(s, *ordinal, rows[i].row);
    co_return true;
}

// Told before it is written. After a crash in between the same events come again and say the same, because
// the next owner lets no day and no policy come before them.
asio::awaitable<bool> matcher::judge_arrivals(int number, const std::vector<arrival>& rows,
                                              std::int64_t next_offset) {
    const auto& s = shards_.at(number);
    const auto items = standing(s.policy_offset, s.day);
    if (items->empty() || rows.empty()) co_return true;
    std::vector<std::string> ids;
    ids.reserve(rows.size());
    for (const auto& a : rows) ids.push_back(a.row.id);
    auto ordinals = co_await persist(clock_, stopping_, "asking for ordinals",
                                     [&] { return profiles_.ordinals(number, ids); });
    if (!ordinals) co_return false;
    std::unordered_map<std::string, judged_row> now; // by the events before in this batch
    std::vector<io::log_message> messages;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i].row;
        auto known = now.find(row.id);
        if (known == now.end() && (*ordinals)[i])
            if (const auto at = s.subjects.find(*(*ordinals)[i]))
                known = now.emplace(row.id, judged_row{at->type, s.subjects.of(at->type).get(at->row)}).first;
        judged_row after{row.type, row.attributes};
        const auto changes =
            compare(*items, known == now.end() ? nullptr : &known->second, after, standing_space_);
        if (!changes.empty()) {
            messages.push_back(match_event(row.id, {number, rows[i].offset, items->day()}, changes,
                                           to_rfc3339(clock_.now())));
            changes_told_.Increment(static_cast<double>(changes.newly.size() + changes.no_longer.size()));
        }
        now.insert_or_assign(row.id, after);
        if (i % rows_at_once == rows_at_once - 1) co_await asio::post(turn_.executor(), asio::use_awaitable);
    }
    if (messages.empty()) co_return true;
    std::vector<int> begun{number};
    if (!co_await keep(store::ledgers::place::profiles_begun, begun, next_offset)) co_return false;
    if (begun.empty()) co_return true;
    auto told = co_await persist(clock_, stopping_, "telling who became eligible",
                                 [&] { return log_->append_all(messages); });
    co_return told.has_value();
}

asio::awaitable<bool> matcher::write_rows(int number, std::vector<arrival> rows, std::int64_t next_offset) {
    const auto found = shards_.find(number);
    if (found == shards_.end()) co_return true; // dropped
    auto& s = found->second;
    // Several events of one subject in a batch: the script would number it once for each, so the last one
    // stands for all.
    std::unordered_map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < rows.size(); ++i) last[rows[i].row.id] = i;
    std::vector<profile> distinct;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (last[rows[i].row.id] == i) distinct.push_back(std::move(rows[i].row));

    auto ordinals = co_await persist(clock_, stopping_, "writing profiles", [&] {
        return profiles_.put(number, distinct, next_offset, {s.epoch, s.applied});
    });
    if (!ordinals && ordinals.error().code == errc::conflict) {
        drop(number, "another process has it, or Redis has lost its last profiles");
        co_return true;
    }
    if (!ordinals) co_return false;
    ZHIDA_FAILPOINT("profile.written");
    if (!ordinals->empty() && *std::max_element(ordinals->begin(), ordinals->end()) >= s.numbers_told) {
        const auto told = co_await tell_numbers(number);
        if (!told) co_return false;
        s.numbers_told = *told;
    }
    for (std::size_t i = 0; i < distinct.size(); ++i) put_row(s, (*ordinals)[i], distinct[i]);
    s.applied = s.read = next_offset;
    if (s.lineage.empty()) { // drawn with the shard's first profile
        auto place = co_await persist(clock_, stopping_, "loading the shard's place",
                                      [&] { return profiles_.place(number); });
        if (!place) co_return false;
        s.lineage = place->lineage;
    }
    profiles_written_.Increment(static_cast<double>(rows.size()));
    co_return true;
}

void matcher::put_row(shard& s, std::uint32_t ordinal, const profile& row) {
    s.subjects.put(ordinal, row.type, row.attributes, reachable(row.contacts));
    if (s.compaction) s.compaction->changed(ordinal);
}

} // namespace zhida::matcher
