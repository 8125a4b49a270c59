#include "services/dispatcher/chunk.hpp"

#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/caps.hpp"
#include "services/dispatcher/decide.hpp"
#include "services/dispatcher/quiet_hours.hpp"
#include "services/persist.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>

namespace zhida::dispatcher {

namespace {

using ledger::reason;
using ledger::state;

std::uint32_t seconds(wall_time t) noexcept {
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}

reason rejection(const std::string& fault) noexcept {
    if (fault == "bad_number") return reason::bad_number;
    if (fault == "refused") return reason::refused;
    if (fault == "not_following") return reason::not_following;
    if (fault == "content") return reason::content;
    return reason::rejected;
}

// One claimed delivery under way.
struct sending {
    std::uint32_t position = 0;
    std::string subject_id;
    outgoing message;
    ledger::record claimed;
    gateways::send_result result;
};

struct batch {
    batch(asio::any_io_executor executor, std::size_t n) : left(n), done(std::move(executor), 1) {}
    std::vector<sending> all;
    std::size_t left;
    asio::experimental::channel<asio::any_io_executor, void(boost::system::error_code)> done;
};

asio::awaitable<void> send_one(sender* via, std::shared_ptr<batch> b, std::size_t i) {
    try {
        b->all[i].result = co_await via->send(b->all[i].message);
    } catch (
        const std::exception& e) { // a bug in a client must not lose the batch: nobody knows what happened
        b->all[i].result = {gateways::send_outcome::unknown, {}, "exception", e.what(), milliseconds(0), ""};
        log::error("gateway client failed", {{"why", e.what()}});
    }
    if (--b->left == 0) b->done.try_send(boost::system::error_code());
}

// The ledger record that an answer of the gateway leads to.
ledger::record outcome_of(const sending& s, wall_time now) {
    using gateways::send_outcome;
    ledger::record r = s.claimed;
    const auto retry = [&](reason why) {
        ++r.attempts;
        if (r.attempts >= most_attempts) {
            r.now = state::failed;
            r.why = reason::gave_up;
            r.at = seconds(now);
            return;
        }
        r.now = state::held;
        r.why = s.result.in_doubt ? reason::no_answer : why;
        r.at = seconds(now + milliseconds(retry_delay_ms(r.attempts, s.result.retry_after.count())) +
                       milliseconds(999));
    };
    switch (s.result.outcome) {
    case send_outcome::accepted:
        r.now = state::submitted;
        break; // at stays the epoch
    case send_outcome::rejected:
        r.now = state::failed;
        r.why = rejection(s.result.recipient_fault);
        r.at = seconds(now);
        break;
    case send_outcome::retry:
        retry(reason::retry_later);
        break;
    case send_outcome::stopped:
        retry(reason::gateway_stopped);
        break;
    case send_outcome::unknown:
        r.now = state::unknown;
        r.why = reason::no_answer;
        r.at = seconds(now);
        break;
    }
    return r;
}

bool settled(const ledger::record& r) noexcept {
    return r.now >= state::submitted;
}

} // namespace

result<chunk> read_chunk(const json& data, std::vector<failure>& errors) {
    json_reader in(data, "", errors);
    chunk c;
    if (!in.is_object()) return errors.front();
    c.campaign = in.text("campaign", true, 128).value_or("");
    c.shard = static_cast<int>(in.integer("shard", true, 0, 4095).value_or(0));
    c.first = static_cast<std::uint32_t>(in.integer("first", true, 0, UINT32_MAX).value_or(0));
    c.count = static_cast<std::uint32_t>(in.integer("count", true, 1, 1024).value_or(0));
    const auto via = in.text("channel", true, 16).value_or("");
    if (!parse(via, c.via)) in.error_at("channel", "'" + via + "' is not a channel", "web, sms or wechat");
    if (!errors.empty()) return errors.front();
    return c;
}

asio::awaitable<result<std::shared_ptr<const policy>>> deliverer::policy_of(std::string campaign_id) {
    if (const auto found = known.find(campaign_id); found != known.end()) co_return found->second;
    auto c = co_await campaigns.get(campaign_id);
    if (!c) co_return c.error();
    auto document = co_await policies.get_version(c->policy_id, c->policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    auto p = read_policy(*document, errors);
    if (!p) co_return p.error();
    if (known.size() > 1000)
        known.clear(); // a bound, not a cache policy: reading one again costs two round trips
    co_return known[campaign_id] = std::make_shared<const policy>(std::move(*p));
}

// What is told is what was asked for, not what changed: where an answer was lost, asking again changes
// nothing, and the audit must know all the same. It merges as the ledger does.
asio::awaitable<result<void>> deliverer::audit(const chunk& c, std::uint32_t epoch, std::string kind,
                                               std::vector<store::change> changes) {
    if (changes.empty()) co_return result<void>{};
    const auto message = delivery_message({c.shard, c.campaign, c.via, epoch, std::move(kind),
                                           time.now().time_since_epoch().count(), std::move(changes)});
    auto appended =
        co_await persist(time, stopping, "writing the audit", [&] { return log.append(message); });
    if (!appended) co_return appended.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> deliverer::forward_receipt(store::message_place place, std::string receipt) {
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/dispatcher";
    e.type = event_type::receipt_arrived;
    e.subject = place.campaign;
    e.time = to_rfc3339(time.now());
    auto data = parse_json(receipt);
    if (!data) co_return data.error();
    e.data = std::move(*data);
    e.data["place"] = store::to_text(place);
    auto encoded = encode_event(e);
    const io::log_message message{topics::receipt, place.shard, place.campaign, std::move(encoded.value),
                                  encoded.headers};
    auto appended =
        co_await persist(time, stopping, "passing a receipt on", [&] { return log.append(message); });
    if (!appended) co_return appended.error();
    co_return result<void>{};
}

namespace {

// A chunk that was worked on before may have been interrupted between the ledger and the audit, so the audit
// is told again what the ledger says; it merges like the ledger does.
asio::awaitable<result<void>> audit_again(deliverer& d, chunk c, std::uint32_t epoch,
                                          const std::vector<store::chunk_member>& members) {
    std::vector<store::change> changes;
    for (const auto& m : members)
        if (m.now.now != state::queued) changes.push_back({m.position, m.now});
    co_return co_await d.audit(c, epoch, "record", std::move(changes));
}

// The web channel has no gateway: a delivery is made by its record alone, so there is nothing to claim.
asio::awaitable<result<void>> deliver_web(deliverer& d, chunk c, std::uint32_t epoch, bool may) {
    auto members = co_await persist(d.time, d.stopping, "loading a chunk", [&] {
        return d.ledgers.load(c.shard, c.campaign, c.via, c.first, c.count, false);
    });
    if (!members) co_return members.error();
    if (auto kept = co_await audit_again(d, c, epoch, *members); !kept) co_return kept.error();
    std::vector<store::change> changes;
    const auto now = seconds(d.time.now());
    for (const auto& m : *members) {
        if (ledger::terminal(m.now.now)) continue;
        auto r = m.now;
        r.now = may ? state::delivered : state::suppressed;
        r.why = may ? reason::none : reason::not_public;
        if (may) r.first_submitted = now;
        r.at = now;
        changes.push_back({m.position, r});
    }
    auto applied = co_await persist(d.time, d.stopping, "recording a chunk",
                                    [&] { return d.ledgers.apply(c.shard, c.campaign, c.via, changes); });
    if (!applied) co_return applied.error();
    co_return co_await d.audit(c, epoch, may ? "record" : "suppress", std::move(changes));
}

struct candidate {
    std::uint32_t position = 0;
    ledger::record now;
    std::uint32_t ordinal = 0;
    std::string subject_id, address;
};

// The profile with its contacts opened; nothing where it is gone. unreadable: it is there and cannot be
// opened.
std::optional<profile> open_subject(const crypto::sealer& sealer, const store::chunk_member& m,
                                    bool& unreadable) {
    if (m.packed.empty()) return std::nullopt;
    auto unpacked = unpack_profile(m.packed);
    unreadable = !unpacked;
    if (!unpacked) return std::nullopt;
    profile subject = std::move(unpacked->subject);
    auto contacts = open_contacts(unpacked->sealed_contacts, sealer, m.subject_id);
    unreadable = !contacts;
    if (contacts) subject.contacts = std::move(*contacts);
    return subject;
}

struct sorted_chunk {
    std::vector<candidate> send;
    std::vector<store::change> settle; // suppressed, or in doubt for good
};

sorted_chunk sort_out(deliverer& d, const chunk& c, bool enabled, bool public_policy,
                      const std::vector<store::chunk_member>& members) {
    const auto now = seconds(d.time.now());
    sorted_chunk out;
    for (const auto& m : members) {
        if (settled(m.now)) continue;
        bool unreadable = false;
        const auto subject = open_subject(d.sealer, m, unreadable);
        if (m.now.now == state::submitting && enabled &&
            public_policy) { // in doubt: the claim knows what to do with it
            auto address = decide({c.via, true, true, false, subject ? &*subject : nullptr}).address;
            out.send.push_back({m.position, m.now, m.ordinal, m.subject_id, std::move(address)});
            continue;
        }
        auto r = m.now;
        r.at = now;
        if (m.now.now == state::submitting) { // in doubt, and it may not be sent any more
            r.now = state::unknown;
            r.why = reason::crashed_in_flight;
            out.settle.push_back({m.position, r});
            continue;
        }
        auto decided = decide({c.via, enabled, public_policy, m.opted_out, subject ? &*subject : nullptr});
        if (unreadable) {
            log::error("a profile cannot be opened", {{"subject", log::masked(m.subject_id)},
                                                      {"fix", "is this the key that it was sealed with?"}});
            decided.suppress = reason::invalid_contact;
        }
        if (!decided.suppress) {
            out.send.push_back({m.position, m.now, m.ordinal, m.subject_id, std::move(decided.address)});
            continue;
        }
        r.now = state::suppressed;
        r.why = *decided.suppress;
        out.settle.push_back({m.position, r});
    }
    return out;
}

// Claims and sends the candidates, writes down what came of it.
asio::awaitable<result<void>> send_batch(deliverer& d, chunk c, std::uint32_t epoch, sender* via,
                                         std::shared_ptr<const policy> p, std::vector<candidate> candidates) {
    store::claim_request request;
    request.shard = c.shard;
    request.campaign = c.campaign;
    request.via = c.via;
    request.epoch = epoch;
    request.now_s = seconds(d.time.now());
    request.resend_within_s = via->resend_within_s();
    request.cap = cap_of(d.settings.dispatch, c.via);
    for (const auto& k : candidates) {
        request.positions.push_back(k.position);
        request.subject_ids.push_back(k.subject_id);
        request.ordinals.push_back(k.ordinal);
    }
    // Where a claim's answer was lost, asking again finds those deliveries in doubt: safe, and rare.
    auto answer =
        co_await persist(d.time, d.stopping, "claiming deliveries", [&] { return d.ledgers.claim(request); });
    if (!answer) co_return answer.error();
    if (auto kept = co_await d.audit(c, epoch, "claim", answer->changes); !kept) co_return kept.error();

    std::map<std::uint32_t, ledger::record> claimed;
    for (const auto& change : answer->changes) claimed[change.position] = change.to;
    auto b = std::make_shared<batch>(co_await asio::this_coro::executor, 0);
    std::vector<store::change> outcomes;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (answer->outcomes[i] != store::claim_outcome::claimed) continue;
        auto& k = candidates[i];
        const auto record = claimed.at(k.position);
        if (k.address.empty()) { // claimed before the crash, and the contact is gone since: it cannot be sent
                                 // again
            auto r = record;
            r.now = state::unknown;
            r.why = reason::crashed_in_flight;
            r.at = request.now_s;
            outcomes.push_back({k.position, r});
            continue;
        }
        sending s;
        s.position = k.position;
        s.subject_id = k.subject_id;
        s.claimed = record;
        s.message.about = p.get();
        s.message.items = record.items;
        s.message.address = std::move(k.address);
        s.message.reference =
            crypto::sha1_hex(c.campaign + "/" + k.subject_id + "/" + to_string(c.via)).substr(0, 32);
        b->all.push_back(std::move(s));
    }
    b->left = b->all.size();
    for (std::size_t i = 0; i < b->all.size(); ++i)
        asio::co_spawn(co_await asio::this_coro::executor, send_one(via, b, i), asio::detached);
    if (!b->all.empty()) co_await b->done.async_receive(asio::use_awaitable);

    const auto now = d.time.now();
    std::vector<std::pair<store::message_place, std::string>>
        early; // receipts that came before we knew their message
    std::vector<std::string> refusing;
    for (auto& s : b->all) {
        outcomes.push_back({s.position, outcome_of(s, now)});
        const auto why = outcomes.back().to.why;
        if (c.via == channel::wechat && (why == reason::refused || why == reason::not_following))
            refusing.push_back(std::move(s.subject_id));
        const auto parts = static_cast<int>(s.result.message_ids.size());
        for (int part = 1; part <= parts; ++part) {
            const store::message_place place{c.shard, c.campaign, c.via, s.position, part, parts};
            const auto& id = s.result.message_ids[static_cast<std::size_t>(part - 1)];
            if (id.empty()) continue; // the gateway gave this part none
            auto receipt = co_await persist(d.time, d.stopping, "remembering a message id",
                                            [&] { return d.messages.bind(to_string(c.via), id, place); });
            if (!receipt) co_return receipt.error();
            if (!receipt->empty()) early.emplace_back(place, std::move(*receipt));
        }
    }
    auto refused = co_await persist(d.time, d.stopping, "remembering who refuses",
                                    [&] { return d.consents.refuse(c.shard, refusing); });
    if (!refused) co_return refused.error();
    auto applied = co_await persist(d.time, d.stopping, "recording outcomes",
                                    [&] { return d.ledgers.apply(c.shard, c.campaign, c.via, outcomes); });
    if (!applied) co_return applied.error();
    if (auto kept = co_await d.audit(c, epoch, "record", std::move(outcomes)); !kept) co_return kept.error();
    for (auto& [place, receipt] : early)
        if (auto passed = co_await d.forward_receipt(place, std::move(receipt)); !passed)
            co_return passed.error();
    co_return result<void>{};
}

// Says of those that wait for the morning that they do. Those in doubt, or held already, stay as they are.
asio::awaitable<result<void>> hold(deliverer& d, chunk c, std::uint32_t epoch,
                                   const std::vector<candidate>& waiting, std::uint32_t until) {
    std::vector<store::change> changes;
    for (const auto& k : waiting) {
        if (k.now.now != state::queued) continue;
        auto r = k.now;
        r.now = state::held;
        r.why = reason::quiet_hours;
        r.at = until;
        changes.push_back({k.position, r});
    }
    auto applied = co_await persist(d.time, d.stopping, "holding a chunk for the morning",
                                    [&] { return d.ledgers.apply(c.shard, c.campaign, c.via, changes); });
    if (!applied) co_return applied.error();
    co_return co_await d.audit(c, epoch, "hold", std::move(changes));
}

} // namespace

asio::awaitable<result<bool>> deliverer::still_public(std::string policy_id) {
    auto newest = co_await policies.get(policy_id);
    if (!newest) co_return newest.error();
    std::vector<failure> errors;
    const auto p = read_policy(newest->document, errors);
    if (!p) co_return p.error();
    co_return p->may_be_pushed();
}

asio::awaitable<result<void>> deliverer::deliver(chunk c, std::uint32_t epoch, sender* via, io::mutex* turns,
                                                 std::shared_ptr<const bool> owned) {
    auto p = co_await persist(time, stopping, "loading a policy", [&] { return policy_of(c.campaign); });
    if (!p) co_return p.error();
    const auto look_again = [&] { return still_public((*p)->id); };
    if (c.via == channel::web) {
        auto open = co_await persist(time, stopping, "looking the disclosure up again", look_again);
        if (!open) co_return open.error();
        co_return co_await deliver_web(*this, c, epoch, *open);
    }

    for (bool first = true; !stopping && *owned; first = false) {
        // Before anything is looked up: what is sent after a long silence is what holds then.
        while (via && !via->ready() && !stopping && *owned) co_await io::sleep_for(time, milliseconds(50));
        auto open = co_await persist(time, stopping, "looking the disclosure up again", look_again);
        if (!open) co_return open.error();
        auto members = co_await persist(time, stopping, "loading a chunk", [&] {
            return ledgers.load(c.shard, c.campaign, c.via, c.first, c.count, true);
        });
        if (!members) co_return members.error();
        if (first)
            if (auto kept = co_await audit_again(*this, c, epoch, *members); !kept) co_return kept.error();
        auto sorted = sort_out(*this, c, via != nullptr, *open, *members);
        auto applied = co_await persist(time, stopping, "recording what is not sent", [&] {
            return ledgers.apply(c.shard, c.campaign, c.via, sorted.settle);
        });
        if (!applied) co_return applied.error();
        if (auto kept = co_await audit(c, epoch, "suppress", std::move(sorted.settle)); !kept)
            co_return kept.error();
        if (sorted.send.empty()) co_return result<void>{};

        if (const auto until = quiet_until(quiet_hours_of(settings.dispatch), time.now())) {
            if (auto held = co_await hold(*this, c, epoch, sorted.send, seconds(*until)); !held)
                co_return held.error();
            while (time.now() < *until && !stopping && *owned)
                co_await io::sleep_for(time, milliseconds(500));
            continue;
        }

        // Those held for later wait; the others go now, a batch at a time, while the gateway takes them.
        const auto now = seconds(time.now());
        std::uint32_t wake = UINT32_MAX;
        std::vector<candidate> due;
        for (auto& k : sorted.send) {
            if (k.now.now == state::held && k.now.at > now)
                wake = std::min(wake, k.now.at);
            else
                due.push_back(std::move(k));
        }
        if (due.empty()) {
            while (seconds(time.now()) < wake && !stopping && *owned)
                co_await io::sleep_for(time, milliseconds(500));
            continue;
        }
        for (std::size_t at = 0; at < due.size() && !stopping && *owned && via->ready(); at += via->batch()) {
            const auto turn = co_await turns->lock();
            // The turn may have taken long to come.
            open = co_await persist(time, stopping, "looking the disclosure up again", look_again);
            if (!open) co_return open.error();
            if (!*open || quiet_until(quiet_hours_of(settings.dispatch), time.now())) break;
            const auto end = std::min(due.size(), at + via->batch());
            std::vector<candidate> part(
                std::make_move_iterator(due.begin() + static_cast<std::ptrdiff_t>(at)),
                std::make_move_iterator(due.begin() + static_cast<std::ptrdiff_t>(end)));
            if (auto sent = co_await send_batch(*this, c, epoch, via, *p, std::move(part)); !sent)
                co_return sent.error();
        }
    }
    co_return failure{errc::cancelled, "the chunk goes on elsewhere", "", ""};
}

} // namespace zhida::dispatcher
