#include "services/consent_log.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/model/topics.hpp"
#include "services/dead_letter.hpp"

namespace zhida {

namespace {

constexpr std::size_t records_at_once = 500;

asio::awaitable<result<std::int64_t>> end_of(io::event_log& log, int shard) {
    const auto ends = co_await log.end_offsets(topics::consent);
    if (!ends) co_return ends.error();
    if (static_cast<std::size_t>(shard) >= ends->size())
        co_return failure{errc::not_found, "no shard " + std::to_string(shard), topics::consent, ""};
    co_return (*ends)[static_cast<std::size_t>(shard)];
}

void tell_lost_end(int shard, std::int64_t place, std::int64_t end) {
    log::error("consent_log.end_lost", {{"shard", shard},
                                        {"place", place},
                                        {"end", end},
                                        {"reason", "the event log lost records that were acknowledged; what "
                                                   "they said stays in force in Redis"}});
}

} // namespace

asio::awaitable<result<void>> consent_log::record(consent_change change) {
    const auto event = to_event(change); // the same id in every shard
    const auto encoded = encode_event(event);
    std::vector<store::placed_change> changes;
    std::vector<io::log_message> messages;
    const int first = of_number(change.kind) ? 0 : shard_of(change.who, shards_);
    const int last = of_number(change.kind) ? shards_ - 1 : first;
    for (int shard = first; shard <= last; ++shard) {
        changes.push_back({shard, 0, 0, change});
        messages.push_back({topics::consent, shard, change.who, encoded.value, encoded.headers});
    }
    const auto offsets = co_await log_.append_all(std::move(messages));
    if (!offsets) co_return offsets.error();
    ZHIDA_FAILPOINT("optout.logged");
    // Whom it is about is in the event alone; a subject that speaks for itself is not named either.
    if (const auto& by = change.by; !by.role.empty())
        log::info("consent changed", {{"kind", to_string(change.kind)},
                                      {"event", event.id},
                                      {"role", by.role},
                                      {"by", by.role == "subject" ? "" : by.name}});
    for (std::size_t i = 0; i < changes.size(); ++i) changes[i].after = changes[i].offset = (*offsets)[i];
    const auto outcomes = co_await consents_.apply(std::move(changes));
    if (!outcomes) co_return outcomes.error();
    ZHIDA_FAILPOINT("optout.applied");
    for (std::size_t i = 0; i < outcomes->size(); ++i) {
        const int shard = first + static_cast<int>(i);
        const auto sure = co_await make_sure(shard, (*offsets)[i], (*outcomes)[i]);
        if (!sure) co_return sure.error();
    }
    co_return result<void>{};
}

// The record at `offset` is in force when this succeeds.
asio::awaitable<result<void>> consent_log::make_sure(int shard, std::int64_t offset,
                                                     store::applied_change outcome) {
    if (outcome.applied) co_return result<void>{};
    if (outcome.place > offset) {
        // Somebody replayed past it, so it is in force; unless that place is one of a log that was longer.
        const auto end = co_await end_of(log_, shard);
        if (!end) co_return end.error();
        if (outcome.place <= *end) co_return result<void>{};
        tell_lost_end(shard, outcome.place, *end);
        const auto moved = co_await consents_.move_place(shard, outcome.place, offset);
        if (!moved) co_return moved.error();
    }
    // Records before it are missing here: others are about to apply them, or died before they could, or Redis
    // has lost them.
    const auto replayed = co_await replay(shard);
    if (!replayed) co_return replayed.error();
    const auto place = co_await consents_.place(shard);
    if (!place) co_return place.error();
    if (*place > offset) co_return result<void>{};
    co_return failure{errc::unavailable, "a consent is in the log and not yet in force",
                      "shard " + std::to_string(shard), "say it again"};
}

asio::awaitable<result<std::int64_t>> consent_log::replay(int shard) {
    std::int64_t applied = 0;
    for (;;) {
        const auto place = co_await consents_.place(shard);
        if (!place) co_return place.error();
        auto records = co_await log_.read({topics::consent, shard}, *place, records_at_once);
        if (!records) co_return records.error();
        if (records->empty()) {
            const auto end = co_await end_of(log_, shard); // an empty log may be one that lost everything
            if (!end) co_return end.error();
            if (*place <= *end) co_return applied;
        }
        if (records->empty() || records->front().offset < *place) {
            // All that is left of the log was applied before.
            const auto end = co_await end_of(log_, shard);
            if (!end) co_return end.error();
            if (*place > *end) tell_lost_end(shard, *place, *end);
            const auto moved = co_await consents_.move_place(shard, *place, std::min(*place, *end));
            if (!moved) co_return moved.error();
            continue;
        }
        std::vector<store::placed_change> changes;
        auto after = *place;
        for (auto& record : *records) {
            const auto offset = record.offset;
            const auto event = decode_event(record.headers, record.value);
            auto change = event ? read_consent_change(*event) : result<consent_change>(event.error());
            if (!change) {
                auto kept = co_await bury(log_, std::move(record), {change.error()}, "consents",
                                          to_rfc3339(time_.now()));
                if (!kept) co_return kept.error();
                continue; // the next one, or nothing at the end, passes over it
            }
            changes.push_back({shard, after, offset, std::move(*change)});
            after = offset + 1;
        }
        const auto next = records->back().offset + 1;
        const auto outcomes = co_await consents_.apply(std::move(changes));
        if (!outcomes) co_return outcomes.error();
        bool whole = true;
        for (const auto& o : *outcomes) {
            applied += o.applied ? 1 : 0;
            whole = whole && (o.applied || o.place >= next);
        }
        if (!whole) continue; // Redis has lost its tail meanwhile, or somebody else was quicker: look again
        if (after < next) {   // the last ones could not be read
            const auto moved = co_await consents_.move_place(shard, after, next);
            if (!moved) co_return moved.error();
        }
    }
}

} // namespace zhida
