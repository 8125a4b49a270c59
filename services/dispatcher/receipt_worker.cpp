#include "services/dispatcher/receipt_worker.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/dispatcher/outcome.hpp"
#include "services/persist.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

namespace zhida::dispatcher {

receipt_worker::receipt_worker(
    asio::any_io_executor executor, deliverer& d, ledger_replay& replay, metrics& meters,
    std::function<asio::awaitable<bool>(io::log_record, std::vector<failure>)> bury,
    std::function<void(std::string_view)> pushed)
    : executor_(std::move(executor)), d_(d), replay_(replay), bury_(std::move(bury)),
      pushed_(std::move(pushed)), group_(d.settings.event_log.group + ".receipt"),
      applied_(meters.counter("zhida_receipts_applied_total", "Receipts written into the ledger")) {}

asio::awaitable<void> receipt_worker::run() {
    consumer_ = d_.log.subscribe(group_, {topics::receipt});
    using namespace boost::asio::experimental::awaitable_operators;
    co_await (follow() && watch_server());
}

void receipt_worker::stop() {
    if (consumer_) asio::co_spawn(executor_, consumer_->close(), asio::detached);
}

asio::awaitable<void> receipt_worker::close() {
    if (consumer_) co_await consumer_->close(); // stop() began it: wait until it has left
}

// One that came before its message was known: perhaps it is now.
asio::awaitable<bool> receipt_worker::look_up_again(const json& receipt, std::vector<failure>& errors) {
    json_reader in(receipt, "", errors);
    const auto gateway = in.text("gateway", true).value_or(""), id = in.text("message_id", true).value_or("");
    if (!errors.empty()) co_return true;
    const auto text = zhida::to_text(receipt);
    const auto store = message_store_of(gateway), scoped = gateways::scoped_message_id(gateway, id);
    auto places = co_await persist(d_.time, d_.stopping, "looking for a receipt's message",
                                   [&] { return d_.messages.resolve(store, scoped, text); });
    if (!places) co_return false;
    for (auto& place : *places)
        if (!co_await d_.forward_receipt(std::move(place), text)) co_return false;
    co_return true;
}

asio::awaitable<void> receipt_worker::follow() {
    const auto must = [this](bool done) {
        if (!done && !d_.stopping)
            throw failure_error({errc::invalid, "receipts cannot go on: see the lines above", "", ""});
    };
    while (!d_.stopping) {
        ++turn_;
        auto event = co_await consumer_->next();
        if (!event) {
            if (event.error().code == errc::cancelled) break;
            log::warn("receipts cannot be read", {{"why", event.error().text()}});
            co_await io::sleep_for(d_.time, milliseconds(500));
            continue;
        }
        if (auto* records = std::get_if<std::vector<io::log_record>>(&*event))
            must(co_await apply(std::move(*records)));
        else if (auto* gained = std::get_if<io::assigned>(&*event))
            must(co_await gain(std::move(gained->partitions)));
        else
            for (const auto& p : std::get<io::revoked>(*event).partitions) places_.erase(p.partition);
    }
}

// The last owner may have died together with the Redis that it wrote to.
asio::awaitable<bool> receipt_worker::gain(std::vector<io::topic_partition> partitions) {
    auto stored = co_await persist(d_.time, d_.stopping, "asking how far receipts were read",
                                   [&] { return d_.log.stored_offsets(group_, topics::receipt); });
    if (!stored) co_return false;
    for (const auto& p : partitions) {
        auto server = co_await persist(d_.time, d_.stopping, "asking which Redis has the receipts",
                                       [&] { return d_.messages.receipts_server(p.partition); });
        if (!server) co_return false;
        places_[p.partition] = {std::move(*server), (*stored)[static_cast<std::size_t>(p.partition)],
                                std::nullopt, 0, false};
    }
    co_await read_lost_ones(); // before next(): where to begin is still ours to say
    co_return true;
}

asio::awaitable<void> receipt_worker::watch_server() {
    while (!d_.stopping) {
        co_await read_lost_ones();
        co_await io::sleep_for(d_.time, milliseconds(1000));
    }
}

// Another server may have forgotten the last receipts, and parts of messages that arrived are nowhere else.
asio::awaitable<void> receipt_worker::read_lost_ones() {
    constexpr std::int64_t lost_at_most = 10'000; // a shard's, of the seconds that a server may lose
    const auto server = co_await d_.ledgers.server();
    if (!server) co_return; // no answer: asked again soon
    std::vector<int> elsewhere;
    for (const auto& [shard, p] : places_)
        if (p.server != *server) elsewhere.push_back(shard);
    for (const int shard : elsewhere) {
        const auto up = co_await persist(d_.time, d_.stopping, "bringing Redis up to the log",
                                         [&] { return replay_.bring_up(shard); });
        if (!up) {
            if (!d_.stopping)
                log::error("receipts of a shard are not read again",
                           {{"shard", shard}, {"why", up.error().text()}});
            co_return;
        }
        const auto found = places_.find(shard);
        if (found == places_.end() || found->second.server == *up) continue; // lost, or done meanwhile
        auto& p = found->second;
        p.server = *up;
        p.again_until = p.next;
        // What next() gives now was asked for after this, unless some of it is being written down.
        p.sought_in = under_way_.contains(shard) ? turn_ : turn_ - 1;
        p.reads_again = false;
        if (p.next == 0 && !under_way_.contains(shard)) { // nothing was read that it could have lost
            if (!co_await note_server(shard, p)) co_return;
        } else {
            consumer_->seek({topics::receipt, shard}, std::max<std::int64_t>(0, p.next - lost_at_most));
        }
    }
}

asio::awaitable<bool> receipt_worker::note_server(int shard, place& p) {
    p.again_until.reset();
    const auto kept =
        co_await persist(d_.time, d_.stopping, "noting which Redis has the receipts",
                         [&, server = p.server] { return d_.messages.put_receipts_server(shard, server); });
    co_return kept.has_value();
}

asio::awaitable<bool> receipt_worker::has_read(int shard, std::int64_t first, std::int64_t next) {
    const auto found = places_.find(shard);
    if (found == places_.end()) co_return true; // its new owner reads them
    auto& p = found->second;
    p.next = std::max(p.next, next);
    consumer_->store({topics::receipt, shard}, p.next); // what is read again was done before
    if (!p.again_until) co_return true;
    p.reads_again = p.reads_again || (turn_ > p.sought_in && first < *p.again_until);
    if (!p.reads_again) {
        // It was on its way to us before: some of it may have gone to the other server.
        p.again_until = std::max(*p.again_until, next);
        co_return true;
    }
    co_return next < *p.again_until || co_await note_server(shard, p);
}

asio::awaitable<bool> receipt_worker::apply(std::vector<io::log_record> records) {
    ZHIDA_FAILPOINT("receipt.read");
    for (const auto& record : records) under_way_.insert(record.partition);
    const auto done = co_await apply_under_way(std::move(records));
    under_way_.clear();
    co_return done;
}

asio::awaitable<bool> receipt_worker::apply_under_way(std::vector<io::log_record> records) {
    struct heard {
        // What is read again was told before; but that a message of several parts is whole may not have been.
        std::vector<store::change> all, news;
    };
    std::map<std::tuple<int, std::string, channel>, heard> by_ledger;
    std::map<int, std::int64_t> first, next; // by partition
    std::vector<store::message_place> parts; // of messages of several, delivered
    std::vector<ledger::record> part_records;
    for (auto& record : records) {
        first.try_emplace(record.partition, record.offset);
        next[record.partition] = record.offset + 1;
        const auto at_before = places_.find(record.partition);
        const bool again = at_before != places_.end() && record.offset < at_before->second.next;
        const auto bury = [&](io::log_record bad, std::vector<failure> why) -> asio::awaitable<bool> {
            if (again) co_return true; // as it was the first time
            co_return co_await bury_(std::move(bad), std::move(why));
        };
        std::vector<failure> errors;
        auto event = decode_event(record.headers, record.value);
        if (event && event->type == event_type::receipt_orphaned) {
            if (!co_await look_up_again(event->data, errors)) co_return false;
            if (!errors.empty() && !co_await bury(std::move(record), std::move(errors))) co_return false;
            continue;
        }
        auto arrived = event ? read_receipt(event->data, errors) : result<arrived_receipt>(event.error());
        if (!arrived) {
            if (errors.empty()) errors.push_back(arrived.error());
            if (!co_await bury(std::move(record), std::move(errors))) co_return false;
            continue;
        }
        const auto& at = arrived->place;
        if (at.shard != record.partition || at.part < 1 || at.part > at.parts || at.parts > 255) {
            errors.push_back({errc::invalid,
                              "the receipt belongs to another partition or to no part of a message", "/place",
                              ""});
            if (!co_await bury(std::move(record), std::move(errors))) co_return false;
            continue;
        }
        if (!again && !arrived->pushed_id.empty()) pushed_(arrived->pushed_id);
        if (arrived->means == gateways::receipt::meaning::intermediate) continue;
        if (arrived->means == gateways::receipt::meaning::delivered && at.parts > 1) {
            parts.push_back(at);
            part_records.push_back(record_of(*arrived));
            continue;
        }
        const auto became = record_of(*arrived);
        if (const auto why = mark_of(became); why && !again && at.via == channel::sms)
            if (auto marked = co_await d_.mark_number(at, *why); !marked)
                log::warn("a number is not marked", {{"why", marked.error().text()}});
        auto& of = by_ledger[{at.shard, at.campaign, at.via}];
        of.all.push_back({at.position, became});
        if (!again) of.news.push_back(of.all.back());
    }
    auto whole = co_await persist(d_.time, d_.stopping, "counting the parts of messages",
                                  [&] { return d_.messages.parts_delivered(parts); });
    if (!whole) co_return false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (!(*whole)[i]) continue;
        auto& of = by_ledger[{parts[i].shard, parts[i].campaign, parts[i].via}];
        of.all.push_back({parts[i].position, part_records[i]});
        of.news.push_back(of.all.back());
    }
    for (auto& [where, of] : by_ledger) {
        const auto& [shard, name, via] = where;
        auto applied =
            co_await persist(d_.time, d_.stopping, "writing receipts",
                             [&, s = shard, n = name, v = via] { return d_.ledgers.apply(s, n, v, of.all); });
        if (!applied) {
            if (applied.error().code == errc::cancelled) co_return false;
            // One of them has no place: the others must not suffer for it.
            for (const auto& one : of.all) {
                auto alone = co_await d_.ledgers.apply(shard, name, via, {one});
                if (!alone)
                    log::error(
                        "a receipt without a place in the ledger",
                        {{"campaign", name}, {"position", one.position}, {"why", alone.error().text()}});
            }
        }
        applied_.Increment(static_cast<double>(of.news.size()));
        ZHIDA_FAILPOINT("receipt.applied");
        // Not what changed but what was heard: after a crash in between, nothing changes any more and the
        // audit must know.
        if (!co_await d_.audit({shard, name, via, 0, "receipt", 0, std::move(of.news)})) co_return false;
        ZHIDA_FAILPOINT("receipt.audited");
    }
    for (const auto& [partition, offset] : next)
        if (!co_await has_read(partition, first[partition], offset)) co_return false;
    co_return true;
}

} // namespace zhida::dispatcher
