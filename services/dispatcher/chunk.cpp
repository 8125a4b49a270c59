#include "services/dispatcher/chunk.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/caps.hpp"
#include "services/dispatcher/decide.hpp"
#include "services/dispatcher/outcome.hpp"
#include "services/dispatcher/quiet_hours.hpp"
#include "services/dispatcher/wechat_reach.hpp"
#include "services/persist.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace zhida::dispatcher {

namespace {

using ledger::reason;
using ledger::state;

} // namespace

asio::awaitable<result<std::shared_ptr<const policy>>> deliverer::policy_of(const campaign& c) {
    const auto key = c.policy_id + ".v" + std::to_string(c.policy_version);
    if (const auto found = known.find(key); found != known.end()) co_return found->second;
    auto document = co_await policies.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    auto p = read_policy(*document, errors);
    if (!p) co_return p.error();
    if (known.size() > 1000)
        known.clear(); // a bound, not a cache policy: reading one again costs two round trips
    co_return known[key] = std::make_shared<const policy>(std::move(*p));
}

asio::awaitable<result<void>> deliverer::audit(transition t) {
    if (t.changes.empty()) co_return result<void>{};
    t.at_ms = time.now().time_since_epoch().count();
    const auto message = delivery_message(t);
    auto appended =
        co_await persist(time, stopping, "writing the audit", [&] { return log.append(message); });
    if (!appended) co_return appended.error();
    ledgers.appended(t.shard, *appended);
    co_return result<void>{};
}

asio::awaitable<result<void>> deliverer::forward_receipt(store::message_place place, std::string receipt) {
    const auto message = store::receipt_message(place, receipt, time.now());
    if (!message) co_return message.error();
    auto appended =
        co_await persist(time, stopping, "passing a receipt on", [&] { return log.append(*message); });
    if (!appended) co_return appended.error();
    co_return result<void>{};
}

namespace {

// A campaign's chunk, as it was read for this turn.
struct package {
    chunk of;
    campaign about;
    std::shared_ptr<const policy> document;
    bool open = true; // may still be pushed
    store::loaded_chunk view;
};

// A delivery that shall go out.
struct candidate {
    std::size_t package = 0;
    std::uint32_t position = 0, ordinal = 0;
    ledger::record from, to;
    sent_count sent;
    std::string subject_id, address;
    // A message of its own: one that is sent again must be what it was, since the gateway drops it by its
    // reference; and a correction or a test says something else than a package.
    bool alone = false;
    bool last_address = false;  // none of its other contacts can be reached on the channel
    bool told_refusing = false; // the shard has it among those whom WeChat reaches nowhere
};

bool corrects(const campaign& c) {
    return said_kind(c) == "correction";
}
// Neither goes with another campaign's message, nor is it held back by the caps.
bool stands_alone(const campaign& c) {
    return corrects(c) || c.kind == "test";
}

// Everything of a group is done with the same terms.
struct turn {
    deliverer& d;
    terms& by;
    std::vector<package> packages;
    std::vector<candidate> sends; // by rising ordinal
    bool look_again = false;      // something was not as it had been read
};

template <class Attempt>
auto keep_trying(deliverer& d, const char* what, Attempt attempt) -> decltype(attempt()) {
    co_return co_await persist(d.time, d.stopping, what, std::move(attempt));
}

// What a commit came to. Failure: fenced, or the server cannot be brought up to the log.
asio::awaitable<result<void>> agreed(turn& t, const result<store::commit_outcome>& outcome,
                                     const package& p) {
    using store::commit_outcome;
    if (!outcome) co_return outcome.error();
    if (*outcome == commit_outcome::fenced)
        co_return failure{errc::conflict, "another dispatcher owns the shard",
                          "shard " + std::to_string(p.of.shard), ""};
    t.look_again = *outcome != commit_outcome::done; // another server: the next look recovers
    co_return result<void>{};
}

// Before anything is believed: another server may have lost the last writes, or all of them.
asio::awaitable<result<void>> bring_up(turn& t) {
    auto& d = t.d;
    auto server = co_await keep_trying(d, "asking which Redis answers", [&] { return d.ledgers.server(); });
    if (!server) co_return server.error();
    if (*server == *t.by.server) co_return result<void>{};
    const auto shard = t.packages.front().of.shard;
    auto up = co_await keep_trying(d, "bringing Redis up to the log", [&] { return d.recover(shard); });
    if (!up) co_return up.error();
    // It may have lost that the shard is ours; whoever has it since has a higher one.
    const auto via = t.packages.front().of.via;
    auto ours = co_await keep_trying(d, "saying whose the shard is",
                                     [&] { return d.ledgers.keep_sent(shard, via, {}, t.by.epoch); });
    if (!ours) co_return ours.error();
    *t.by.server = std::move(*up);
    co_return result<void>{};
}

// A policy that a campaign is about was there: the matcher brings it back from zhida.policy. The chunk is
// looked at again in a moment, unless the shard is lost meanwhile. Of a campaign that is over nothing is
// looked at: the scheduler ends what is left of it.
asio::awaitable<result<void>> wait_for_policy(turn& t, const failure& why, package& p) {
    if (why.code != errc::not_found) co_return why;
    p.view = {};
    p.view.as_of.server = *t.by.server;
    p.view.as_of.stopped = to_string(p.about.state);
    if (final(p.about.state)) co_return result<void>{};
    log::warn("a campaign waits for its policy", {{"campaign", p.of.campaign}, {"why", why.text()}});
    co_await io::sleep_for(t.d.time, milliseconds(500));
    t.look_again = true;
    co_return result<void>{};
}

asio::awaitable<result<void>> look(turn& t) {
    auto& d = t.d;
    if (auto up = co_await bring_up(t); !up) co_return up.error();
    for (auto& p : t.packages) {
        auto about =
            co_await keep_trying(d, "reading a campaign", [&] { return d.campaigns.get(p.of.campaign); });
        if (!about) co_return about.error();
        p.about = std::move(*about);
        auto document = co_await keep_trying(d, "loading a policy", [&] { return d.policy_of(p.about); });
        if (!document) {
            auto waited = co_await wait_for_policy(t, document.error(), p);
            if (!waited || t.look_again) co_return waited;
            continue;
        }
        p.document = std::move(*document);
        auto open = co_await keep_trying(d, "looking the disclosure up again",
                                         [&] { return d.policies.may_be_pushed(p.document->id); });
        if (!open) {
            auto waited = co_await wait_for_policy(t, open.error(), p);
            if (!waited || t.look_again) co_return waited;
            continue;
        }
        p.open = *open;
        const auto load = [&](bool with_subjects) {
            return keep_trying(d, "loading a chunk", [&d, &p, with_subjects] {
                return d.ledgers.load(p.of.shard, p.of.campaign, p.of.via, p.of.first, p.of.count,
                                      with_subjects);
            });
        };
        auto view = co_await load(p.of.via != channel::web);
        if (view && p.of.via == channel::web && view->any_preferences) view = co_await load(true);
        if (!view && view.error().code == errc::not_found) { // unless it was there a moment ago
            const auto before = *t.by.server;
            if (auto up = co_await bring_up(t); !up) co_return up.error();
            t.look_again = *t.by.server != before;
            if (t.look_again) co_return result<void>{};
        }
        if (!view) co_return view.error();
        if (view->as_of.server != *t.by.server) t.look_again = true; // since a moment ago
        p.view = std::move(*view);
    }
    co_return result<void>{};
}

// A chunk that was begun by an owner that is gone may have been interrupted between the ledger and the audit,
// so the audit is told again what the ledger says; it merges like the ledger does.
asio::awaitable<result<void>> audit_again(turn& t, package& p) {
    if (!std::exchange(p.of.begun_elsewhere, false)) co_return result<void>{};
    std::vector<store::change> changes;
    for (const auto& m : p.view.members)
        if (m.now.now != state::queued) changes.push_back({m.position, m.now});
    co_return co_await t.d.audit(
        {p.of.shard, p.of.campaign, p.of.via, t.by.epoch, "record", 0, std::move(changes)});
}

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

// A member whose profile is there: read once for all that is looked up of it.
struct opened {
    std::optional<profile> subject;
    bool unreadable = false;
    // Where it had contacts on the channel and none of them may be sent to, why
    std::optional<ledger::reason> shut;
};

asio::awaitable<result<std::vector<opened>>> open_subjects(turn& t, package& p) {
    std::vector<opened> all(p.view.members.size());
    if (p.of.via == channel::web) co_return all;
    std::map<std::string, store::bound_contacts> bound;
    if (p.of.via == channel::wechat) {
        std::vector<std::string> ids;
        for (const auto& m : p.view.members)
            if (!settled(m.now)) ids.push_back(m.subject_id);
        auto found = co_await keep_trying(t.d, "asking who is bound",
                                          [&] { return t.d.addresses.bound_of(p.of.shard, ids); });
        if (!found) co_return found.error();
        bound = std::move(*found);
    }
    const auto role = role_for(p.document->theme, t.d.settings.dispatch.contact_roles);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& m = p.view.members[i];
        if (settled(m.now)) continue;
        all[i].subject = open_subject(t.d.sealer, m, all[i].unreadable);
        if (!all[i].subject) continue;
        auto& contacts = all[i].subject->contacts;
        if (const auto of = bound.find(m.subject_id); of != bound.end())
            add_bound(contacts, of->second, [&](std::string_view a) { return t.d.digests.of(a); });
        prefer_role(contacts, role);
    }
    co_return all;
}

// A contact of a member, by both their places.
struct contact_place {
    std::size_t member, contact;
};

// Which numbers their owners refuse messages to, or gateways do not know.
asio::awaitable<result<void>> shut_numbers(turn& t, const package& p, std::vector<opened>& all) {
    auto marked = co_await keep_trying(t.d, "asking whether numbers are marked",
                                       [&] { return t.d.marks.any(p.of.shard); });
    if (!marked) co_return marked.error();
    if (!p.view.any_refused_number && !*marked) co_return result<void>{};
    std::vector<contact_place> places;
    std::vector<std::string> digests;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t k = 0; all[i].subject && k < all[i].subject->contacts.size(); ++k)
            if (const auto& phone = all[i].subject->contacts[k].phone; !phone.empty()) {
                digests.push_back(t.d.digests.of(phone));
                places.push_back({i, k});
            }
    auto said = co_await keep_trying(t.d, "asking which numbers are marked",
                                     [&] { return t.d.marks.of(p.of.shard, digests, t.d.time.now()); });
    if (!said) co_return said.error();
    auto found = co_await keep_trying(t.d, "asking which numbers are refused",
                                      [&] { return t.d.consents.numbers_refused(p.of.shard, digests); });
    if (!found) co_return found.error();
    // A number that is marked may be somebody's by now: an emergency is worth the try.
    const bool tries = p.about.urgency == campaign_urgency::emergency;
    for (std::size_t n = 0; n < places.size(); ++n) {
        auto& of = all[places[n].member];
        const bool refused = (*found)[n] || (*said)[n] == ledger::reason::refused;
        if (!refused && ((*said)[n] == ledger::reason::none || tries)) continue;
        if (of.shut != ledger::reason::refused_number)
            of.shut = refused ? ledger::reason::refused_number : ledger::reason::invalid_contact;
        of.subject->contacts[places[n].contact].phone.clear();
    }
    co_return result<void>{};
}

// Which addresses have left us, or have granted nothing (any more).
asio::awaitable<result<void>> shut_addresses(turn& t, std::vector<opened>& all) {
    std::vector<contact_place> places;
    std::vector<store::wechat_addresses::asked> asked;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t k = 0; all[i].subject && k < all[i].subject->contacts.size(); ++k)
            if (const auto to = parse_wechat_address(all[i].subject->contacts[k].openid)) {
                places.push_back({i, k});
                asked.push_back({t.d.digests.of(all[i].subject->contacts[k].openid),
                                 template_of(t.d.settings, to->account)});
            }
    auto standings = co_await keep_trying(t.d, "asking what WeChat addresses allow",
                                          [&] { return t.d.addresses.standings(asked); });
    if (!standings) co_return standings.error();
    const auto now = t.d.time.now();
    for (std::size_t n = 0; n < places.size(); ++n) {
        auto& of = all[places[n].member];
        auto& address = of.subject->contacts[places[n].contact].openid;
        const auto why = shut(t.d.settings, parse_wechat_address(address)->account, (*standings)[n], now);
        if (why == ledger::reason::none) continue;
        if (of.shut != ledger::reason::no_grant) of.shut = why;
        address.clear();
    }
    co_return result<void>{};
}

// What does not arrive by this channel goes out by another.
bool others_follow(const campaign& c, channel via) {
    return c.routing.how == channel_routing::mode::fallback && !c.channels.empty() &&
           c.channels.back() != via;
}

std::size_t addresses_in(const profile& subject) {
    return static_cast<std::size_t>(std::count_if(subject.contacts.begin(), subject.contacts.end(),
                                                  [](const contact& c) { return !c.openid.empty(); }));
}

facts facts_of(turn& t, const package& p, const store::chunk_member& m, wall_time now, const opened& o) {
    auto& d = t.d;
    const auto via = p.of.via;
    facts f;
    f.via = via;
    f.channel_enabled = via == channel::web || t.by.via != nullptr;
    f.public_policy = p.open || corrects(p.about); // who was told of it must hear that it does not hold
    f.opted_out = m.opted_out;
    if (!m.preferences.empty()) {
        const auto wishes = decode_preferences(m.preferences);
        // What cannot be read may be a refusal.
        f.refused = wishes ? refuses(*wishes, via, p.document->theme) : ledger::reason::not_targeted;
    }
    f.now = unix_seconds(now);
    f.expires = static_cast<std::uint32_t>(p.about.expires_ms / 1000);
    f.emergency = p.about.urgency == campaign_urgency::emergency;
    if (!stands_alone(p.about)) f.cap = cap_of(d.settings.dispatch, via);
    f.sent = m.sent;
    f.today = shanghai_day(now);
    f.epoch = t.by.epoch;
    // Once: the record tells of a second try, and a third is never made.
    f.resend_in_doubt = f.emergency && d.settings.dispatch.resend_emergency && m.now.attempts == 0;
    f.quota_used = t.by.via && t.by.via->rests_for() >= too_long_to_wait && others_follow(p.about, via);
    if (const auto until = quiet_until(quiet_hours_of(d.settings.dispatch), now))
        f.quiet_until = unix_seconds(*until);
    if (via == channel::web) return f;
    f.unreadable = o.unreadable;
    if (!o.subject) return f;
    f.subject = &*o.subject;
    const auto to = address_of(via, *o.subject);
    if (to.address.empty() && o.shut == ledger::reason::no_grant)
        f.no_grant = true;
    else if (to.address.empty() && o.shut && !f.refused)
        f.refused = o.shut;
    if (t.by.via) f.resend_within = t.by.via->resend_within_s(to.address);
    return f;
}

// Remembers to which deliveries the messages belong, and passes receipts on that came first.
asio::awaitable<result<void>> remember_messages(deliverer& d, channel via,
                                                const std::vector<store::messages::sent>& sent) {
    auto early = co_await keep_trying(d, "remembering message ids",
                                      [&] { return d.messages.bind(to_string(via), sent); });
    if (!early) co_return early.error();
    for (std::size_t i = 0; i < early->size(); ++i)
        if (!(*early)[i].empty())
            if (auto passed = co_await d.forward_receipt(sent[i].place, (*early)[i]); !passed)
                co_return passed.error();
    co_return result<void>{};
}

// A Redis that was restarted in between may have lost what was written to it before the log had it.
asio::awaitable<result<void>>
write_again_if_lost(turn& t, const std::map<std::size_t, std::vector<store::change>>& changes,
                    const std::vector<store::messages::sent>& sent) {
    auto& d = t.d;
    if (changes.empty()) co_return result<void>{};
    auto server = co_await keep_trying(d, "asking which Redis answers", [&] { return d.ledgers.server(); });
    if (!server) co_return server.error();
    if (*server == t.packages.front().view.as_of.server) co_return result<void>{};
    if (auto up = co_await bring_up(t); !up) co_return up.error();
    for (const auto& [i, of_package] : changes) {
        const auto& p = t.packages[i].of;
        auto applied = co_await keep_trying(
            d, "writing again", [&] { return d.ledgers.apply(p.shard, p.campaign, p.via, of_package); });
        if (!applied) co_return applied.error();
    }
    if (sent.empty()) co_return result<void>{};
    co_return co_await remember_messages(d, t.packages.front().of.via, sent);
}

// Writes what needs no gateway; fills t.sends with what does.
asio::awaitable<result<void>> settle(turn& t) {
    auto& d = t.d;
    const auto now = d.time.now();
    t.sends.clear();
    std::map<std::size_t, std::vector<store::change>> written; // by package
    for (std::size_t i = 0; i < t.packages.size(); ++i) {
        auto& p = t.packages[i];
        if (!p.view.as_of.stopped.empty()) continue; // the scheduler goes on with it
        std::vector<store::replacement> records;
        std::vector<store::change> changes;
        bool complained = false;
        auto subjects = co_await open_subjects(t, p);
        if (!subjects) co_return subjects.error();
        if (p.of.via == channel::sms)
            if (auto looked = co_await shut_numbers(t, p, *subjects); !looked) co_return looked.error();
        if (p.of.via == channel::wechat)
            if (auto looked = co_await shut_addresses(t, *subjects); !looked) co_return looked.error();
        for (std::size_t n = 0; n < p.view.members.size(); ++n) {
            auto& m = p.view.members[n];
            if (settled(m.now)) continue;
            const auto f = facts_of(t, p, m, now, (*subjects)[n]);
            if (f.unreadable && !std::exchange(complained, true))
                log::error("a profile cannot be opened",
                           {{"subject", log::masked(m.subject_id)},
                            {"fix", "is this the key that it was sealed with?"}});
            auto decided = decide(f, m.now);
            if (decided.what == decision::kind::send) {
                if (m.now.now == state::submitting && f.resend_in_doubt && f.resend_within == 0)
                    decided.to.attempts = 1;
                const bool alone = in_doubt(m.now) || stands_alone(p.about);
                t.sends.push_back({i, m.position, m.ordinal, m.now, decided.to, m.sent,
                                   std::move(m.subject_id), std::move(decided.address), alone,
                                   addresses_in(*f.subject) == 1, m.no_grant});
            } else if (decided.what == decision::kind::record) {
                records.push_back({m.position, m.now, decided.to});
                changes.push_back({m.position, decided.to});
                m.now = decided.to; // where it is not written all is looked at again
            }
        }
        if (records.empty()) continue;
        store::commit_request request{p.of.shard, p.of.campaign, p.of.via, std::move(records), {}};
        request.claim = {t.by.epoch, p.view.as_of, {}};
        auto outcome =
            co_await keep_trying(d, "recording a chunk", [&] { return d.ledgers.commit(request); });
        if (auto kept = co_await agreed(t, outcome, p); !kept || t.look_again) co_return kept;
        ZHIDA_FAILPOINT("record.after");
        if (auto kept =
                co_await d.audit({p.of.shard, p.of.campaign, p.of.via, t.by.epoch, "settle", 0, changes});
            !kept)
            co_return kept.error();
        written[i] = std::move(changes);
    }
    if (auto kept = co_await write_again_if_lost(t, written, {}); !kept) co_return kept.error();
    std::sort(t.sends.begin(), t.sends.end(), [](const candidate& a, const candidate& b) {
        return std::pair(a.ordinal, a.package) < std::pair(b.ordinal, b.package);
    });
    co_return result<void>{};
}

// A claim is acted on at once: people opt out and campaigns are cancelled meanwhile.
constexpr auto claim_stands = std::chrono::seconds(1);
gateways::send_result not_sent() {
    gateways::send_result r;
    r.outcome = gateways::send_outcome::retry;
    r.code = "local:late";
    return r;
}

// Moves [from, to) of the candidates to submitting, package by package. What was claimed stays in `claimed`;
// t.look_again: somebody changed what the others rest on, and they are looked at again.
asio::awaitable<result<void>> claim(turn& t, std::size_t from, std::size_t to,
                                    std::vector<candidate>& claimed) {
    auto& d = t.d;
    const auto today = shanghai_day(d.time.now());
    std::set<std::uint32_t> leading;            // who has a message of this batch that others may go with
    std::map<std::uint32_t, sent_count> counts; // one message counts once, however many packages it carries
    for (std::size_t i = 0; i < t.packages.size(); ++i) {
        auto& p = t.packages[i];
        std::vector<candidate*> mine;
        for (auto k = from; k < to; ++k)
            if (t.sends[k].package == i) mine.push_back(&t.sends[k]);
        if (mine.empty()) continue;
        store::commit_request request{p.of.shard, p.of.campaign, p.of.via, {}, {}};
        request.claim = {t.by.epoch, p.view.as_of, {}};
        std::vector<store::change> changes;
        for (auto* c : mine) {
            const bool leads = c->alone || leading.insert(c->ordinal).second;
            c->to.merged = leads ? 0 : 1;
            if (leads && c->from.first_submitted == 0) {
                auto& count = counts.try_emplace(c->ordinal, c->sent).first->second;
                count = count.with_one_more(today);
                request.claim->sent.emplace_back(c->ordinal, count);
            }
            request.records.push_back({c->position, c->from, c->to});
            changes.push_back({c->position, c->to});
        }
        std::sort(request.records.begin(), request.records.end(),
                  [](const auto& a, const auto& b) { return a.position < b.position; });
        ZHIDA_FAILPOINT("claim.before");
        auto outcome =
            co_await keep_trying(d, "claiming deliveries", [&] { return d.ledgers.commit(request); });
        const auto agreed_on = co_await agreed(t, outcome, p);
        if (!agreed_on) co_return agreed_on.error();
        if (t.look_again) co_return result<void>{}; // the others of this batch wait for the next look
        ZHIDA_FAILPOINT("claim.after");
        if (auto kept = co_await d.audit({p.of.shard, p.of.campaign, p.of.via, t.by.epoch, "claim", 0,
                                          std::move(changes), std::move(request.claim->sent)});
            !kept)
            co_return kept.error();
        ZHIDA_FAILPOINT("claim.audited");
        for (auto* c : mine) claimed.push_back(std::move(*c));
    }
    std::map<std::size_t, std::vector<store::change>> changes;
    for (const auto& c : claimed) changes[c.package].push_back({c.position, c.to});
    co_return co_await write_again_if_lost(t, changes, {});
}

consent_change of_subject(const deliverer& d, consent_kind kind, std::string who) {
    return {kind, std::move(who), {}, d.time.now().time_since_epoch().count()};
}

// What WeChat's refusal says of an address, for the next messages: of this template, or of all of them.
std::optional<consent_change> refusal_of(const deliverer& d, const std::string& address, reason why) {
    const auto to = parse_wechat_address(address);
    if (!to) return std::nullopt;
    consent_change c;
    c.who = d.digests.of(address);
    c.at_ms = d.time.now().time_since_epoch().count();
    if (why == reason::refused && to->account != wechat_account::wecom) {
        c.kind = consent_kind::denied;
        c.template_id = template_of(d.settings, to->account);
        return c;
    }
    if (why != reason::refused && why != reason::not_following) return std::nullopt;
    c.kind = consent_kind::address_out;
    return c;
}

// Sends what was claimed, one message a recipient, and writes down what came of it. Where the claim does not
// stand any more nothing is sent: it is looked at again a moment later, as after a gateway that was busy.
asio::awaitable<result<void>> send(turn& t, std::vector<candidate> claimed, admission at, bool stands) {
    auto& d = t.d;
    // Who goes with another message comes right behind it.
    std::sort(claimed.begin(), claimed.end(), [](const candidate& a, const candidate& b) {
        return std::tuple(a.ordinal, !a.alone, a.to.merged, a.package) <
               std::tuple(b.ordinal, !b.alone, b.to.merged, b.package);
    });
    std::vector<outgoing> messages;
    std::vector<std::size_t> leaders; // index of each message's first delivery
    for (std::size_t i = 0; i < claimed.size(); ++i) {
        const auto& c = claimed[i];
        const auto& p = t.packages[c.package];
        const bool emergency = p.about.urgency == campaign_urgency::emergency;
        if (c.to.merged != 0) {
            messages.back().also.push_back({p.document.get(), c.to.items});
            messages.back().emergency &= emergency;
            continue;
        }
        outgoing m;
        m.about = p.document.get();
        m.items = c.to.items;
        m.emergency = emergency;
        m.kind = said_kind(p.about);
        m.reminder = p.about.reminder ? &*p.about.reminder : nullptr;
        m.address = c.address;
        if (t.by.via->resend_within_s(c.address) > 0) // else nobody reads it
            m.reference = crypto::sha1_hex(p.of.campaign + "/" + c.subject_id + "/" + to_string(p.of.via))
                              .substr(0, 32);
        messages.push_back(std::move(m));
        leaders.push_back(i);
    }
    std::vector<gateways::send_result> results(leaders.size(), not_sent());
    if (stands) results = co_await t.by.via->send_all(std::move(messages), std::move(at));
    at.at.reset(); // what follows is between us and the store
    ZHIDA_FAILPOINT("send.after");

    const auto now = d.time.now();
    const auto via = t.packages.front().of.via;
    const auto shard = t.packages.front().of.shard;
    std::vector<consent_change> refusing;
    std::vector<std::pair<std::string, std::string>>
        nowhere; // subjects, and the digest of their last address
    std::map<std::size_t, std::vector<store::change>> outcomes; // by package
    std::map<std::size_t, std::vector<store::replacement>> recorded;
    std::map<std::size_t, std::vector<store::messages::sent>> ids;
    std::vector<store::messages::sent> to_bind;
    std::vector<std::pair<std::string, reason>> marked; // digests
    for (std::size_t m = 0; m < leaders.size(); ++m) {
        const auto end = m + 1 < leaders.size() ? leaders[m + 1] : claimed.size();
        auto& answer = results[m];
        // What was in doubt before stays so, whatever became of this try.
        answer.in_doubt = answer.in_doubt || in_doubt(claimed[leaders[m]].from);
        // A number that took a part exists.
        if (via == channel::sms && answer.message_ids.empty() && !answer.code.starts_with("local:"))
            if (const auto why = mark_of(outcome_of(claimed[leaders[m]].to, answer, now, 0)))
                marked.emplace_back(d.digests.of(claimed[leaders[m]].address), *why);
        const auto parts = static_cast<int>(answer.message_ids.size());
        const double uniform = static_cast<double>(d.random()) / 4294967296.0; // [0, 1)
        for (auto i = leaders[m]; i < end; ++i) {
            const auto& c = claimed[i];
            const bool follow = others_follow(t.packages[c.package].about, via);
            auto to = outcome_of(c.to, answer, now, uniform, follow);
            outcomes[c.package].push_back({c.position, to});
            recorded[c.package].push_back({c.position, c.to, to});
            for (int part = 1; part <= parts; ++part) {
                const auto& id = answer.message_ids[static_cast<std::size_t>(part - 1)];
                if (id.empty()) continue; // the gateway gave this part none
                store::messages::sent bound{
                    id, {shard, t.packages[c.package].of.campaign, via, c.position, part, parts}};
                to_bind.push_back(bound);
                ids[c.package].push_back(std::move(bound));
            }
            if (via != channel::wechat || i != leaders[m]) continue;
            if (auto change = refusal_of(d, c.address, to.why)) {
                if (c.last_address) nowhere.emplace_back(c.subject_id, change->who);
                refusing.push_back(std::move(*change));
            } else if (c.told_refusing && answer.outcome == gateways::send_outcome::accepted) {
                refusing.push_back(of_subject(d, consent_kind::regrant, c.subject_id));
            }
        }
    }
    // Before the outcome is written: who is interrupted in between leaves a delivery in doubt, not one that
    // waits for a receipt which came already.
    if (auto bound = co_await remember_messages(d, via, to_bind); !bound) co_return bound.error();
    ZHIDA_FAILPOINT("ids.bound");
    if (!marked.empty()) {
        auto kept =
            co_await keep_trying(d, "marking numbers", [&] { return d.marks.put(shard, marked, now); });
        if (!kept) co_return kept.error();
    }
    for (const auto& [subject, digest] : nowhere) {
        auto kept = co_await keep_trying(d, "remembering who refuses",
                                         [&] { return d.addresses.put_refusing(digest, subject); });
        if (!kept) co_return kept.error();
        refusing.push_back(of_subject(d, consent_kind::refuse, subject));
    }
    for (const auto& change : refusing) {
        auto kept =
            co_await keep_trying(d, "remembering who refuses", [&] { return d.refusals.record(change); });
        if (!kept) co_return kept.error();
    }
    for (auto& [i, changes] : outcomes) {
        const auto& p = t.packages[i].of;
        auto applied = co_await keep_trying(d, "recording outcomes", [&] {
            return d.ledgers.record(p.shard, p.campaign, p.via, recorded[i]);
        });
        if (!applied && applied.error().code == errc::not_found) { // not in a Redis that lost it
            if (auto up = co_await bring_up(t); !up) co_return up.error();
            applied = co_await keep_trying(d, "recording outcomes", [&] {
                return d.ledgers.record(p.shard, p.campaign, p.via, recorded[i]);
            });
        }
        if (!applied) co_return applied.error();
        ZHIDA_FAILPOINT("record.after");
        // What is told is what was asked for, not what changed: where an answer was lost, asking again
        // changes nothing, and the audit must know all the same.
        if (auto kept = co_await d.audit(
                {p.shard, p.campaign, p.via, t.by.epoch, "record", 0, changes, {}, std::move(ids[i])});
            !kept)
            co_return kept.error();
        ZHIDA_FAILPOINT("record.audited");
    }
    co_return co_await write_again_if_lost(t, outcomes, to_bind);
}

// When the next held delivery falls due: the scheduler hands the chunk out again then.
asio::awaitable<result<void>> note_due(turn& t) {
    for (const auto& p : t.packages) {
        std::uint32_t next = UINT32_MAX;
        for (const auto& m : p.view.members)
            if (m.now.now == state::held && !ledger::waits_its_turn(m.now)) next = std::min(next, m.now.at);
        if (next == UINT32_MAX) continue;
        auto noted = co_await keep_trying(t.d, "noting when a chunk falls due", [&] {
            return t.d.ledgers.put_due(p.of.shard, {p.of.campaign, p.of.via, p.of.first, p.of.count, next});
        });
        if (!noted) co_return noted.error();
    }
    co_return result<void>{};
}

// Whether the chunk is done after everything was sent; then what waits is noted. Without the subjects, whom
// reading costs most: only where something is left are they read again.
asio::awaitable<result<bool>> nothing_left(turn& t) {
    auto& d = t.d;
    for (auto& p : t.packages) {
        auto view = co_await keep_trying(d, "loading a chunk", [&d, &p] {
            return d.ledgers.load(p.of.shard, p.of.campaign, p.of.via, p.of.first, p.of.count, false);
        });
        if (!view || view->as_of.server != *t.by.server || !view->as_of.stopped.empty()) co_return false;
        const auto now = unix_seconds(d.time.now());
        for (const auto& m : view->members)
            if (!settled(m.now) &&
                !(m.now.now == state::held && (ledger::waits_its_turn(m.now) || m.now.at > now)))
                co_return false;
        p.view = std::move(*view);
    }
    if (auto noted = co_await note_due(t); !noted) co_return noted.error();
    co_return true;
}

} // namespace

asio::awaitable<result<void>> deliverer::mark_number(store::message_place place, reason why) {
    auto view = co_await persist(time, stopping, "asking whose number it was", [&] {
        return ledgers.load(place.shard, place.campaign, place.via, place.position, 1, true);
    });
    if (!view) co_return view.error();
    auto about =
        co_await persist(time, stopping, "reading a campaign", [&] { return campaigns.get(place.campaign); });
    if (!about) co_return about.error();
    const auto document = co_await policy_of(*about);
    if (!document) co_return document.error();
    bool unreadable = false;
    auto subject =
        view->members.empty() ? std::nullopt : open_subject(sealer, view->members.front(), unreadable);
    if (!subject) co_return result<void>{};
    prefer_role(subject->contacts, role_for((*document)->theme, settings.dispatch.contact_roles));
    const auto to = address_of(place.via, *subject);
    if (to.address.empty()) co_return result<void>{};
    std::vector<std::pair<std::string, reason>> said{{digests.of(to.address), why}};
    co_return co_await persist(time, stopping, "marking a number",
                               [&] { return marks.put(place.shard, said, time.now()); });
}

asio::awaitable<result<delivered>> deliverer::deliver(std::vector<chunk> group, terms by) {
    turn t{*this, by, {}, {}, false};
    for (auto& c : group) t.packages.push_back({std::move(c), {}, nullptr, true, {}});
    bool gave_way = false;
    const auto lost = [&] { return stopping || !*by.owned; };
    const auto yields = [&] { return by.more_urgent && by.more_urgent(); };
    while (!lost()) {
        // Before anything is looked up: what is sent after a long silence is what holds then.
        while (by.via && !by.via->ready() && !lost()) {
            // What another channel follows does not wait for the quota of tomorrow: it is looked at once.
            if (by.via->rests_for() >= too_long_to_wait && !std::exchange(gave_way, true)) break;
            if (yields()) co_return delivered::yielded;
            co_await io::sleep_for(time, milliseconds(50));
        }
        if (lost()) break;
        if (!by.via || by.via->ready()) gave_way = false;
        t.look_again = false;
        if (auto read = co_await look(t); !read) co_return read.error();
        if (t.look_again) {
            gave_way = false;
            if (yields()) co_return delivered::yielded;
            continue;
        }
        ZHIDA_FAILPOINT("chunk.loaded");
        const auto night = [&] {
            return quiet_until(quiet_hours_of(settings.dispatch), time.now()).has_value();
        };
        const bool was_night = night(); // when it is decided what may go out now
        for (auto& p : t.packages)
            if (auto kept = co_await audit_again(t, p); !kept) co_return kept.error();
        if (auto kept = co_await settle(t); !kept) co_return kept.error();
        if (t.look_again) {
            gave_way = false;
            continue;
        }
        if (t.sends.empty()) {
            if (auto noted = co_await note_due(t); !noted) co_return noted.error();
            co_return delivered::done;
        }
        for (std::size_t from = 0; from < t.sends.size();) {
            auto at = co_await by.via->admit(); // what waits for it is not claimed
            // The turn may have taken long to come.
            if (lost() || night() != was_night) break;
            if (yields()) co_return delivered::yielded;
            if (at.room == 0) break; // it takes nothing any more, or somebody else's message tries it
            auto to = std::min(t.sends.size(), from + at.room);
            while (to < t.sends.size() && t.sends[to].ordinal == t.sends[to - 1].ordinal) ++to;
            std::vector<candidate> claimed;
            const auto claimed_at = time.steady_now();
            if (auto done = co_await claim(t, from, to, claimed); !done) co_return done.error();
            // Writing the claim down may have taken long, and what it rests on may hold no more.
            const bool stands = time.steady_now() - claimed_at < claim_stands && night() == was_night &&
                                *by.server == t.packages.front().view.as_of.server;
            if (!claimed.empty())
                if (auto done = co_await send(t, std::move(claimed), std::move(at), stands); !done)
                    co_return done.error();
            if (t.look_again) break;
            from = to;
            if (from < t.sends.size()) continue;
            const auto nothing = co_await nothing_left(t);
            if (!nothing) co_return nothing.error();
            if (*nothing) co_return delivered::done;
        }
    }
    co_return failure{errc::cancelled, "the chunk goes on elsewhere", "", ""};
}

} // namespace zhida::dispatcher
