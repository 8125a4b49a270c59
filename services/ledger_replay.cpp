#include "services/ledger_replay.hpp"

#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

namespace zhida {

namespace asio = boost::asio;

asio::awaitable<result<std::string>> ledger_replay::bring_up(int shard) {
    const auto turn = co_await turns_.lock();
    auto server = co_await ledgers_.server();
    if (!server) co_return server.error();
    if (const auto known = brought_up_.find(shard); known != brought_up_.end() && known->second == *server)
        co_return *server;
    auto from = co_await ledgers_.delivery_offset(shard);
    if (!from) co_return from.error();
    const auto begun = applied_;
    constexpr std::size_t at_once = 1000;
    while (true) {
        auto records = co_await log_.read({topics::delivery, shard}, *from, at_once);
        if (!records) co_return records.error();
        if (records->empty()) break;
        for (const auto& r : *records)
            if (auto done = co_await apply(r); !done) co_return done.error();
        *from = records->back().offset + 1;
        ledgers_.appended(shard, *from - 1);
    }
    if (auto kept = co_await ledgers_.keep_delivery_offset(shard, *from); !kept) co_return kept.error();
    if (applied_ != begun)
        log::info("Redis was brought up to the log", {{"shard", shard}, {"changes", applied_ - begun}});
    if (auto said = co_await consent_log_.replay(shard); !said) co_return said.error();
    brought_up_[shard] = *server;
    co_return *server;
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
    }
    if (event) co_return result<void>{}; // of a later version: not ours to know
    ++unreadable_;
    log::error("an event of the ledger cannot be read",
               {{"shard", record.partition}, {"offset", record.offset}, {"why", event.error().text()}});
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
        auto bound = co_await messages_.bind(to_string(t.via), t.ids);
        if (!bound) co_return bound.error();
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
