#include "services/dispatcher/dispatcher.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/dead_letter.hpp"
#include "services/dispatcher/lanes.hpp"
#include "services/dispatcher/round_text.hpp"
#include "services/dispatcher/sms_sender.hpp"
#include "services/dispatcher/wechat_sender.hpp"
#include "services/persist.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace zhida::dispatcher {

namespace {

// Chunks of a channel under way at once: they wait for Redis and the gateway, not for one another.
constexpr std::size_t workers_of_a_lane = 8;
// Chunks of one shard that wait in memory, so that an urgent one behind them in the log is seen.
constexpr std::size_t most_waiting = 4096;
// Of one shard, in one go, where several campaigns wait.
constexpr std::size_t most_merged = 32;
// Chunks that an owner before us may have begun: it had no more under way in one shard.
constexpr int most_begun = 64;
// What a gateway said of itself, while it says nothing new.
constexpr std::chrono::seconds state_kept{10};
} // namespace

dispatcher::dispatcher(asio::any_io_executor executor, const config& c, const sms_content& content,
                       const clock& clock, const crypto::sealer& sealer, metrics& meters,
                       std::vector<channel> channels, gateways::code_table codes)
    : executor_(executor), config_(c), sms_content_(content), sms_codes_(std::move(codes)), clock_(clock),
      sealer_(sealer), process_(new_event_id()),
      redis_(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)}),
      log_(io::make_event_log(executor, c)), ledgers_(redis_), gateway_states_(redis_), messages_(redis_),
      consents_(redis_), marks_(redis_), addresses_(redis_, sealer, static_cast<int>(c.node.shards)),
      campaigns_(redis_, static_cast<int>(c.node.shards)), policies_(redis_),
      replay_(executor, *log_, redis_, ledgers_, clock_, static_cast<int>(c.node.shards)),
      deliverer_{config_,
                 clock_,
                 sealer_,
                 *log_,
                 ledgers_,
                 messages_,
                 consents_,
                 marks_,
                 addresses_,
                 campaigns_,
                 policies_,
                 stopping_,
                 [this](int shard) { return replay_.bring_up(shard); }},
      intake_(executor, *log_, messages_, clock_, static_cast<int>(c.node.shards), stopping_),
      inbound_(redis_, *log_, consents_, campaigns_, sealer_, clock_, static_cast<int>(c.node.shards),
               [this](std::string_view to) { return department_of_number(sms_content_, config_.sms, to); }),
      acknowledgements_(redis_, sealer_), receipts_(
                                              executor, deliverer_, replay_, meters,
                                              [this](io::log_record record, std::vector<failure> errors) {
                                                  return bury_record(std::move(record), std::move(errors));
                                              },
                                              [this](std::string_view message_id) {
                                                  for (const auto& l : lanes_)
                                                      if (l->gateway) l->gateway->heard(message_id);
                                              }),
      chunks_done_(meters.counter("zhida_chunks_done_total", "Dispatch records carried to their end")),
      events_buried_(meters.counter("zhida_dispatcher_dead_letters_total", "Events that could not be read")) {
    for (const auto via : channels) {
        auto gateway = make_sender(via, meters);
        const auto batches = gateway ? gateway->batches() : 1;
        // Those who wait for one gateway leave as many to look after each other one.
        auto l = std::make_unique<lane>(via, executor, std::max(workers_of_a_lane, 2 * batches));
        if (gateway)
            for (const auto& s : gateway->statuses())
                l->gauges[s.name] = {
                    &meters.gauge("zhida_gateway_circuit_open",
                                  "1 while the gateway's service fails and nothing is sent to it",
                                  {{"channel", to_string(via)}, {"gateway", s.name}}),
                    &meters.gauge("zhida_gateway_stopped",
                                  "1 while the gateway takes nothing from our account until somebody acts",
                                  {{"channel", to_string(via)}, {"gateway", s.name}})};
        l->gateway = std::move(gateway);
        lanes_.push_back(std::move(l));
    }
}

dispatcher::~dispatcher() = default;

std::unique_ptr<sender> dispatcher::make_sender(channel via, metrics& meters) {
    if (via == channel::sms && config_.sms.enabled)
        return make_sms_sender(
            executor_, clock_, config_.sms, sms_content_,
            [this](auto receipts) { return intake_.accept(std::move(receipts)); },
            [this](auto messages) { return inbound_.accept(std::move(messages)); }, sms_codes_);
    if (via == channel::wechat)
        return make_wechat_channel(executor_, clock_, config_, redis_, sealer_, meters);
    return nullptr; // web needs none; a channel that is not enabled suppresses with that reason
}

asio::awaitable<void> dispatcher::run() {
    const auto group = config_.event_log.group;
    std::vector<std::string> names;
    for (auto& l : lanes_) {
        names.push_back(to_string(l->via));
        l->consumer = log_->subscribe(group + ".dispatch." + to_string(l->via), {topics::dispatch(l->via)});
        share(*l); // nothing yet
        if (l->gateway) start(keep_up(*l));
        if (l->gateway && l->via == channel::sms) start(acknowledge(*l));
        for (; l->workers < static_cast<int>(l->most_workers); ++l->workers) start(work(*l));
        start(follow(*l));
    }
    log::info("dispatcher started", {{"channels", names}});
    using namespace boost::asio::experimental::awaitable_operators;
    co_await (receipts_.run() && watch());

    // Gateways take nothing new and answer what they have; what is not settled in time will be found in
    // doubt.
    for (auto& l : lanes_)
        if (l->gateway) l->gateway->stop();
    for (int waited = 0; waited < 100; ++waited) {
        int busy = acknowledging_ ? 1 : 0;
        for (const auto& l : lanes_) busy += l->workers + (l->gateway_up ? 1 : 0);
        if (busy == 0) break;
        co_await io::sleep_for(clock_, milliseconds(50));
    }
    for (auto& l : lanes_) co_await l->consumer->close();
    co_await receipts_.close();
    co_await log_->close();
    redis_.close();
    log::info("dispatcher stopped");
    if (failed_) std::rethrow_exception(failed_);
}

void dispatcher::start(asio::awaitable<void> work) {
    asio::co_spawn(executor_, std::move(work), [this](std::exception_ptr thrown) {
        if (!thrown) return;
        if (!failed_) failed_ = thrown;
        stop();
    });
}

void dispatcher::must(bool done) const {
    if (!done && !stopping_)
        throw failure_error({errc::invalid, "the dispatcher cannot go on: see the lines above", "", ""});
}

void dispatcher::stop() {
    stopping_ = true;
    for (auto& l : lanes_) l->work_there.close();
    receipts_.stop();
}

asio::awaitable<void> dispatcher::keep_up(lane& l) {
    l.gateway_up = true;
    co_await l.gateway->run();
    l.gateway_up = false;
}

asio::awaitable<void> dispatcher::follow(lane& l) {
    while (!stopping_) {
        auto event = co_await l.consumer->next();
        if (!event) {
            if (event.error().code == errc::cancelled) break;
            log::warn("dispatch records cannot be read",
                      {{"channel", to_string(l.via)}, {"why", event.error().text()}});
            co_await io::sleep_for(clock_, milliseconds(500));
            continue;
        }
        if (auto* gained = std::get_if<io::assigned>(&*event)) {
            must(co_await gain(l, std::move(gained->partitions)));
        } else if (auto* lost = std::get_if<io::revoked>(&*event)) {
            co_await lose(l, std::move(lost->partitions));
        } else {
            for (auto& r : std::get<std::vector<io::log_record>>(*event))
                if (!co_await accept_chunk(l, std::move(r))) break;
        }
    }
}

asio::awaitable<bool> dispatcher::accept_chunk(lane& l, io::log_record record) {
    const int shard = record.partition;
    const auto found = l.shards.find(shard);
    if (found == l.shards.end()) co_return true; // not ours any more: its new owner reads it
    auto& o = found->second;
    const auto offset = record.offset;
    o.open.insert(offset);
    o.next = offset + 1;
    std::vector<failure> errors;
    auto event = decode_event(record.headers, record.value);
    auto c = event ? read_dispatch(event->data, errors) : result<dispatch_chunk>(event.error());
    if (c && (c->shard != shard || c->via != l.via))
        c = failure{errc::invalid, "the chunk belongs to another partition", "/shard", ""};
    if (!c) {
        if (errors.empty()) errors.push_back(c.error());
        if (!co_await bury_record(std::move(record), std::move(errors))) co_return false;
        done_with(l, shard, offset);
        co_return true;
    }
    ZHIDA_FAILPOINT("chunk.read");
    const auto turn = turn_of(c->urgency, record.timestamp_ms);
    o.waiting.push_back({{std::move(*c), o.read_since_gain < most_begun}, offset, turn});
    ++o.read_since_gain;
    l.work_there.try_send(boost::system::error_code());
    if (o.waiting.size() >= most_waiting && !o.paused) {
        o.paused = true;
        l.consumer->pause({topics::dispatch(l.via), shard});
    }
    co_return true;
}

void dispatcher::done_with(lane& l, int shard, std::int64_t offset) {
    const auto found = l.shards.find(shard);
    if (found == l.shards.end()) return;
    auto& o = found->second;
    o.open.erase(offset);
    if (*o.owned)
        l.consumer->store({topics::dispatch(l.via), shard}, o.open.empty() ? o.next : *o.open.begin());
    ZHIDA_FAILPOINT("offset.stored");
}

asio::awaitable<bool> dispatcher::gain(lane& l, std::vector<io::topic_partition> partitions) {
    for (const auto& p : partitions) {
        const int shard = p.partition;
        // What the last owner wrote may be in the log and not in Redis any more, its epoch too.
        auto server = co_await persist(clock_, stopping_, "bringing Redis up to the log",
                                       [&] { return replay_.bring_up(shard); });
        if (!server) co_return false;
        auto epoch = co_await persist(clock_, stopping_, "taking a shard over",
                                      [&] { return ledgers_.take_epoch(shard, l.via); });
        if (!epoch) co_return false;
        auto& o = l.shards[shard] = ownership{};
        o.epoch = *epoch;
        *o.server = std::move(*server);
    }
    share(l);
    co_return true;
}

void dispatcher::share(lane& l) const {
    if (!l.gateway) return;
    // What is under way goes on at its rate, also where its shard was given up.
    const auto ours = std::count_if(l.shards.begin(), l.shards.end(),
                                    [](const auto& s) { return *s.second.owned || s.second.busy; });
    l.gateway->share(static_cast<std::size_t>(ours), static_cast<std::size_t>(config_.node.shards));
}

asio::awaitable<void> dispatcher::lose(lane& l, std::vector<io::topic_partition> partitions) {
    for (const auto& p : partitions)
        if (const auto found = l.shards.find(p.partition); found != l.shards.end()) {
            *found->second.owned = false;
            found->second.waiting.clear();
        }
    for (const auto& p : partitions) {
        while (l.shards.contains(p.partition) && l.shards[p.partition].busy && !stopping_)
            co_await io::sleep_for(clock_, milliseconds(5));
        if (stopping_) co_return; // a worker may still use the entry; it goes with the lane
        l.shards.erase(p.partition);
    }
    share(l);
}

dispatcher::ownership* dispatcher::next_shard(lane& l, int& shard) {
    ownership* best = nullptr;
    std::int64_t turn = 0;
    for (auto& [number, o] : l.shards) {
        if (o.busy || !*o.owned) continue;
        for (const auto& w : o.waiting)
            if (!best || w.turn_ms < turn) {
                best = &o;
                shard = number;
                turn = w.turn_ms;
            }
    }
    return best;
}

// The first by its turn; and what waits of other campaigns, so that whom several are for gets one message.
std::vector<dispatcher::waiting_chunk> dispatcher::take_group(ownership& o) const {
    const auto first = std::min_element(o.waiting.begin(), o.waiting.end(),
                                        [](const auto& a, const auto& b) { return a.turn_ms < b.turn_ms; });
    const auto urgency = first->of.urgency;
    const auto with_it = [&](const waiting_chunk& w) { return w.of.urgency == urgency; };
    const bool several = config_.dispatch.merge && first->of.via != channel::web &&
                         std::any_of(o.waiting.begin(), o.waiting.end(), [&](const waiting_chunk& w) {
                             return with_it(w) && w.of.campaign != first->of.campaign;
                         });
    std::vector<waiting_chunk> group{std::move(*first)};
    o.waiting.erase(first);
    if (!several) return group;
    for (auto w = o.waiting.begin(); w != o.waiting.end() && group.size() < most_merged;) {
        const bool again = std::any_of(group.begin(), group.end(), [&](const auto& g) {
            return g.of.campaign == w->of.campaign && g.of.first == w->of.first;
        });
        if (again || !with_it(*w)) {
            ++w;
            continue;
        }
        group.push_back(std::move(*w));
        w = o.waiting.erase(w);
    }
    return group;
}

// Somebody should go first whom no idle worker takes: he waits in this shard, or all workers are busy.
bool dispatcher::more_urgent(const lane& l, int shard, campaign_urgency than) {
    for (const auto& [number, o] : l.shards) {
        if (number != shard && (o.busy || l.idle > 0)) continue;
        for (const auto& w : o.waiting)
            if (w.of.urgency > than) return true;
    }
    return false;
}

asio::awaitable<void> dispatcher::work(lane& l) {
    while (!stopping_) {
        int shard = 0;
        auto* o = next_shard(l, shard);
        if (!o) {
            ++l.idle;
            const auto [closed] = co_await l.work_there.async_receive(asio::as_tuple(asio::use_awaitable));
            --l.idle;
            if (closed) break;
            continue;
        }
        o->busy = true; // lose() waits for its end before it takes the entry away
        co_await handle(l, shard);
        o->busy = false;
        if (!*o->owned) share(l);
        if (o->paused && o->waiting.size() < most_waiting / 4) {
            o->paused = false;
            l.consumer->resume({topics::dispatch(l.via), shard});
        }
    }
    --l.workers;
}

asio::awaitable<void> dispatcher::handle(lane& l, int shard) {
    auto& o = l.shards[shard];
    auto group = take_group(o);
    const auto urgency = group.front().of.urgency;
    const auto give_up =
        [&] { // of the shard; nothing of it is stored any more, so the next owner takes it up
            *o.owned = false;
            o.waiting.clear();
        };
    const auto together = [&](std::vector<waiting_chunk>& some) -> asio::awaitable<result<delivered>> {
        std::vector<chunk> chunks;
        chunks.reserve(some.size());
        for (const auto& w : some) chunks.push_back(w.of);
        co_return co_await deliverer_.deliver(
            std::move(chunks), {o.epoch, l.gateway.get(), o.owned, o.server,
                                [&l, shard, urgency] { return more_urgent(l, shard, urgency); }});
    };
    try {
        // One that is wrong for good must not take the others with it: they go alone.
        std::vector<std::vector<waiting_chunk>> rounds;
        rounds.push_back(std::move(group));
        while (!rounds.empty()) {
            auto some = std::move(rounds.back());
            rounds.pop_back();
            auto ended = co_await together(some);
            if (ended && *ended == delivered::yielded) {
                for (auto& w : some) o.waiting.push_front(std::move(w));
                continue;
            }
            if (ended) {
                chunks_done_.Increment(static_cast<double>(some.size()));
                for (const auto& w : some) done_with(l, shard, w.offset);
                continue;
            }
            if (ended.error().code == errc::cancelled) co_return;
            if (ended.error().code == errc::conflict) { // fenced: somebody newer owns the shard
                log::warn("shard taken over by another dispatcher",
                          {{"channel", to_string(l.via)}, {"shard", shard}});
                give_up();
                co_return;
            }
            if (some.size() > 1) {
                for (auto& w : some) rounds.emplace_back().push_back(std::move(w));
                continue;
            }
            const auto& w = some.front();
            // Of a Redis that lost it: it is there once that one is brought up to the log.
            const auto answers = co_await persist(clock_, stopping_, "asking which Redis answers",
                                                  [&] { return ledgers_.server(); });
            if (!answers) co_return;
            if (*answers != *o.server) {
                rounds.push_back(std::move(some));
                continue;
            }
            auto again =
                dispatch_message(w.of, clock_.now()); // so that it can be handed in once it is mended
            io::log_record record;
            record.topic = std::move(again.topic);
            record.partition = shard;
            record.offset = w.offset;
            record.timestamp_ms = clock_.now().time_since_epoch().count();
            record.key = std::move(again.key);
            record.value = std::move(again.value);
            record.headers = std::move(again.headers);
            if (!co_await bury_record(std::move(record), {ended.error()})) co_return;
            done_with(l, shard, w.offset);
        }
    } catch (const std::exception& e) { // a bug: a restart takes the shard up
        give_up();
        log::error("a chunk failed", {{"channel", to_string(l.via)}, {"shard", shard}, {"why", e.what()}});
    }
}

asio::awaitable<void> dispatcher::acknowledge(lane& l) {
    acknowledging_ = true;
    while (!stopping_) {
        if (l.gateway->ready()) co_await acknowledge_some(l);
        co_await io::sleep_for(clock_, milliseconds(1000));
    }
    acknowledging_ = false;
}

// It goes out although the number is opted out, and counts as no campaign's: its receipt finds no message and
// expires. Taken before it is sent, so that nobody is told twice.
asio::awaitable<void> dispatcher::acknowledge_some(lane& l) {
    constexpr int at_once = 20;
    constexpr auto still_of_use = std::chrono::hours(24);
    for (int i = 0; i < at_once && !stopping_; ++i) {
        auto taken = co_await acknowledgements_.take();
        if (!taken) {
            log::warn("an acknowledgement cannot be read", {{"why", taken.error().text()}});
            co_return;
        }
        if (!*taken) co_return;
        auto& about = **taken;
        if (clock_.now() - about.asked > still_of_use) continue;
        const auto sent = co_await l.gateway->acknowledge(about.phone, about.gateway);
        if (sent.outcome == gateways::send_outcome::accepted) continue;
        const bool surely_not =
            sent.outcome == gateways::send_outcome::retry || sent.outcome == gateways::send_outcome::stopped;
        const bool again = surely_not && !sent.in_doubt;
        (again ? log::debug
               : log::warn)("an opt-out was not acknowledged",
                            {{"gateway", about.gateway}, {"code", sent.code}, {"why", sent.detail}});
        if (!again) continue;
        const auto kept = co_await acknowledgements_.put_back(std::move(about));
        if (!kept) log::warn("an acknowledgement is lost", {{"why", kept.error().text()}});
        co_return; // the others in a moment, and this one after them
    }
}

asio::awaitable<void> dispatcher::watch() {
    while (!stopping_) {
        for (const auto& l : lanes_) {
            if (!l->gateway) continue;
            for (const auto& s : l->gateway->statuses()) {
                const auto& gauges = l->gauges.at(s.name);
                gauges.circuit_open->Set(s.circuit == "closed" ? 0 : 1);
                gauges.stopped->Set(s.state == "stopped" ? 1 : 0);
                auto kept = co_await gateway_states_.put(s.name, process_, gateways::to_json(s), state_kept);
                if (!kept) log::debug("gateway state not shown", {{"why", kept.error().text()}});
            }
        }
        co_await io::sleep_for(clock_, milliseconds(1000));
    }
    for (const auto& l : lanes_) // or its numbers count on beside those of the process after it
        for (const auto& [name, gauges] : l->gauges) (void)co_await gateway_states_.forget(name, process_);
}

asio::awaitable<bool> dispatcher::bury_record(io::log_record record, std::vector<failure> errors) {
    events_buried_.Increment();
    auto buried = co_await persist(clock_, stopping_, "burying an event", [&] {
        return bury(*log_, record, errors, "dispatcher", to_rfc3339(clock_.now()));
    });
    if (!buried && !stopping_)
        throw failure_error(buried.error()); // nothing may be passed over without a trace
    co_return buried.has_value();
}

} // namespace zhida::dispatcher
