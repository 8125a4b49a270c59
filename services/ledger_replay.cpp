#include "services/ledger_replay.hpp"

#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/campaign_changes.hpp"

#include <algorithm>

namespace zhida {

namespace asio = boost::asio;

asio::awaitable<result<std::string>> ledger_replay::bring_up(int shard) {
    const auto turn = co_await turns_.lock();
    auto server = co_await ledgers_.server();
    if (!server) co_return server.error();
    if (const auto known = brought_up_.find(shard); known != brought_up_.end() && known->second == *server)
        co_return *server;
    if (campaigns_brought_up_ != *server) {
        auto from = co_await campaigns_.place();
        if (!from) co_return from.error();
        if (auto done = co_await bring_up_campaigns(*from); !done) co_return done.error();
        campaigns_brought_up_ = *server;
    }
    auto from = co_await ledgers_.delivery_place(shard);
    if (!from) co_return from.error();
    // What somebody wrote to a server that is gone may have come into the log after what another noted.
    constexpr std::int64_t late_at_most = 200;
    if (from->server != *server) *from = {std::max<std::int64_t>(0, from->next - late_at_most), *server};
    if (auto done = co_await bring_up_deliveries(shard, *from); !done) co_return done.error();
    if (auto said = co_await consent_log_.replay(shard); !said) co_return said.error();
    brought_up_[shard] = *server;
    co_return *server;
}

asio::awaitable<result<void>> ledger_replay::rebuild() {
    const auto turn = co_await turns_.lock();
    auto server = co_await ledgers_.server();
    if (!server) co_return server.error();
    if (auto done = co_await bring_up_campaigns(0); !done) co_return done.error();
    for (int shard = 0; shard < shards_; ++shard) {
        if (auto done = co_await bring_up_deliveries(shard, {0, *server}); !done) co_return done.error();
        if (auto said = co_await consent_log_.replay(shard); !said) co_return said.error();
    }
    co_return result<void>{};
}

namespace {
constexpr std::size_t at_once = 1000;
}

asio::awaitable<result<void>> ledger_replay::bring_up_deliveries(int shard, store::ledgers::log_place from) {
    const auto begun = applied_;
    while (true) {
        auto records = co_await log_.read({topics::delivery, shard}, from.next, at_once);
        if (!records) co_return records.error();
        if (records->empty()) break;
        for (const auto& r : *records)
            if (auto done = co_await apply(r); !done) co_return done.error();
        from.next = records->back().offset + 1;
    }
    ledgers_.brought_up(shard, from.server);
    ledgers_.appended(shard, from.next - 1);
    if (auto kept = co_await ledgers_.keep_delivery_place(shard, from); !kept) co_return kept.error();
    if (applied_ != begun)
        log::info("Redis was brought up to the log", {{"shard", shard}, {"changes", applied_ - begun}});
    co_return result<void>{};
}

asio::awaitable<result<void>> ledger_replay::bring_up_campaigns(std::int64_t from) {
    while (true) {
        auto records = co_await log_.read({topics::campaign, 0}, from, at_once);
        if (!records) co_return records.error();
        if (records->empty()) break;
        for (const auto& r : *records) {
            const auto event = decode_event(r.headers, r.value);
            auto c = event ? read_campaign(event->data) : result<campaign>(event.error());
            if (!c) {
                unreadable(r, c.error());
                continue;
            }
            if (auto told = co_await tell_shards(ledgers_, *c, shards_); !told) co_return told.error();
            if (auto kept = co_await campaigns_.restore(*c); !kept) co_return kept.error();
        }
        from = records->back().offset + 1;
    }
    co_return co_await campaigns_.keep_place(from);
}

void ledger_replay::unreadable(const io::log_record& record, const failure& why) {
    ++unreadable_;
    log::error("an event of the log cannot be read", {{"topic", record.topic},
                                                      {"partition", record.partition},
                                                      {"offset", record.offset},
                                                      {"why", why.text()}});
}

asio::awaitable<result<void>> ledger_replay::apply(const io::log_record& record) {
    auto event = decode_event(record.headers, record.value);
    if (event && event->type == event_type::audience_frozen) {
        auto part = read_audience(event->data);
        if (part) co_return co_await apply(std::move(*part));
        event = part.error();
    } else if (event && event->type == event_type::delivery_changed) {
        auto t = read_transition(event->data);
        if (t) co_return co_await apply(std::move(*t), record.offset);
        event = t.error();
    } else if (event && event->type == event_type::subjects_numbered) {
        auto subjects = read_numbers(event->data);
        if (subjects) co_return co_await numbers_.keep(std::move(*subjects));
        event = subjects.error();
    }
    if (!event) unreadable(record, event.error()); // others are of a later version: not ours to know
    co_return result<void>{};
}

asio::awaitable<result<void>> ledger_replay::apply(frozen_audience part) {
    const auto key = std::to_string(part.shard) + "/" + part.campaign;
    if (part.first == 0) parts_.erase(key); // it begins again
    auto [at, fresh] = parts_.try_emplace(key, part);
    auto& whole = at->second;
    if (!fresh) {
        if (part.first != whole.members.size()) co_return result<void>{}; // told twice
        whole.members.insert(whole.members.end(), part.members.begin(), part.members.end());
    }
    if (whole.members.size() < whole.total) co_return result<void>{};
    const auto complete = std::move(whole);
    parts_.erase(at);
    auto frozen = co_await ledgers_.freeze(complete.shard, complete.campaign, complete.channels,
                                           complete.members, complete.verdicts, 0, complete.waiting);
    if (!frozen) co_return frozen.error();
    if (auto told = co_await ledgers_.told({complete.shard}, complete.campaign); !told)
        co_return told.error();
    ++applied_;
    co_return result<void>{};
}

asio::awaitable<result<void>> ledger_replay::apply(transition t, std::int64_t offset) {
    if (!t.ids.empty()) {
        // Of this campaign alone: what went out as one message with it stands in an event of its own.
        auto bound = co_await messages_.bind_also(to_string(t.via), t.ids);
        if (!bound) co_return bound.error();
        // Receipts that came while Redis did not know their messages any more.
        for (std::size_t i = 0; i < bound->size(); ++i) {
            if ((*bound)[i].empty()) continue;
            const auto message = store::receipt_message(t.ids[i].place, (*bound)[i], time_.now());
            if (!message) co_return message.error();
            if (auto passed = co_await log_.append(*message); !passed) co_return passed.error();
        }
    }
    if (auto kept = co_await ledgers_.keep_sent(t.shard, t.via, t.sent, t.epoch); !kept)
        co_return kept.error();
    auto changed = co_await ledgers_.apply(t.shard, t.campaign, t.via, t.changes);
    if (!changed && changed.error().code == errc::not_found) {
        ++unreadable_;
        log::error("an event changes a ledger that is not there",
                   {{"shard", t.shard}, {"campaign", t.campaign}, {"offset", offset}});
        co_return result<void>{};
    }
    if (!changed) co_return changed.error();
    applied_ += static_cast<std::int64_t>(changed->size());
    co_return result<void>{};
}

} // namespace zhida
