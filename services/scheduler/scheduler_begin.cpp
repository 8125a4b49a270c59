#include "services/scheduler/scheduler.hpp"

#include "common/base/little_endian.hpp"
#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/model/campaign_recipients.hpp"
#include "matching/policy_check.hpp"
#include "matching/sensitivity.hpp"

#include <algorithm>

namespace zhida::scheduler {

// How a campaign comes to run: its audience, a second person, its hour.

asio::awaitable<result<bool>> scheduler::begin(campaign c) {
    const auto began_ms = now_ms();
    const bool sent_back = c.state == campaign_state::draft && has_step(c, campaign_action::reject);
    if (expired(c, now_ms()) && (c.state != campaign_state::draft || sent_back)) {
        if (auto done = co_await cancel(std::move(c), expired_early); !done) co_return done.error();
        co_return false;
    }
    if (sent_back) co_return false; // by who was to approve it: it waits for who drafted it
    if (c.state == campaign_state::scheduled && c.not_before_ms > began_ms) co_return false;
    auto groundless = co_await rests_on_withdrawn(c);
    if (!groundless) co_return groundless.error();
    if (*groundless) {
        if (auto done = co_await cancel(std::move(c), rests_on_nothing); !done) co_return done.error();
        co_return false;
    }
    // Whoever submitted it by hand may have done so before its audience was there.
    auto frozen = co_await ledgers_.frozen(c.id, shards_);
    if (!frozen) co_return frozen.error();
    if (!c.base.empty() && !frozen->missing.empty()) {
        auto done = c.kind == "test" ? co_await freeze_chosen(c, frozen->missing)
                                     : co_await freeze_from_base(c, frozen->missing);
        if (!done) co_return done.error();
        frozen = co_await ledgers_.frozen(c.id, shards_);
        if (!frozen) co_return frozen.error();
    }
    if (!frozen->missing.empty()) co_return true;
    if (c.state == campaign_state::draft) {
        if (expired(c, now_ms())) {
            if (auto done = co_await cancel(std::move(c), expired_early); !done) co_return done.error();
            co_return false;
        }
        auto reasons = co_await reasons_to_ask(c, frozen->audience);
        if (!reasons) co_return reasons.error();
        auto submitted = submit(c, *reasons, {c.drafted_by, "department"}, began_ms);
        if (!submitted) co_return submitted.error();
        if (submitted->state == campaign_state::submitted) {
            auto kept = co_await keep(std::move(*submitted));
            if (!kept) co_return kept.error();
            log::info("campaign waits for a second person",
                      {{"campaign", c.id}, {"audience", frozen->audience}});
            co_return false;
        }
        c = std::move(*submitted);
    }
    if (c.not_before_ms > began_ms) {
        auto scheduled = apply(c, campaign_action::schedule, the_system(), began_ms);
        if (!scheduled) co_return scheduled.error();
        auto kept = co_await keep(std::move(*scheduled));
        if (!kept) co_return kept.error();
        co_return false;
    }
    if (auto done = co_await start(std::move(c)); !done) co_return done.error();
    co_return false;
}

asio::awaitable<result<void>> scheduler::start(campaign c) {
    auto started = apply(c, campaign_action::start, the_system(), now_ms());
    if (!started) co_return started.error();
    auto changed = co_await keep(std::move(*started));
    if (!changed) co_return changed.error();
    log::info("campaign begins", {{"campaign", c.id}});
    news_.began(*changed);
    known_.emplace(c.id, *changed);
    running_[c.id].begun_by_us = true;
    co_return co_await carry(*changed);
}

asio::awaitable<result<std::vector<approval_reason>>> scheduler::reasons_to_ask(const campaign& c,
                                                                                std::int64_t audience) {
    if (!config_.campaign.approval || c.kind == "correction" || c.kind == "test")
        co_return std::vector<approval_reason>{};
    // Dates of subjects' own are looked for every day, and most days find nobody: nothing to approve.
    if (c.reminder && audience == 0) co_return std::vector<approval_reason>{};
    auto document = co_await policies_.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    const auto checked = matching::check_policy(*document, catalogue_, errors);
    if (!checked) co_return checked.error();
    approval_facts facts;
    facts.audience = audience;
    facts.theme = checked->document.theme;
    facts.urgency = c.urgency;
    for (const auto& condition : checked->conditions)
        for (auto& label : matching::sensitive_attributes(condition))
            if (std::find(facts.sensitive_attributes.begin(), facts.sensitive_attributes.end(), label) ==
                facts.sensitive_attributes.end())
                facts.sensitive_attributes.push_back(std::move(label));
    co_return approval_needed(
        facts, {config_.campaign.approve_above, comma_separated(config_.campaign.approve_themes)});
}

asio::awaitable<result<std::uint16_t>> scheduler::item_bit(const campaign& c) {
    auto document = co_await policies_.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    const auto p = read_policy(*document, errors);
    if (!p) co_return p.error();
    const auto* item = p->find_item(c.reminder->item);
    if (!item) co_return failure{errc::invalid, "the policy has no item " + c.reminder->item, c.id, ""};
    co_return static_cast<std::uint16_t>(1U << (item - p->items.data()));
}

asio::awaitable<result<void>> scheduler::freeze_from_base(const campaign& c, std::vector<int> in) {
    auto base = co_await campaigns_.get(c.base);
    if (!base) co_return base.error();
    std::uint16_t wanted = UINT16_MAX; // items that it is about
    if (c.reminder) {
        auto bit = co_await item_bit(c);
        if (!bit) co_return bit.error();
        wanted = *bit;
    }
    for (const int shard : in) {
        auto audience = co_await ledgers_.audience_bytes(shard, base->id);
        if (!audience) co_return audience.error();
        std::vector<std::string> ledgers;
        for (const auto via : base->channels) {
            // By what became of it on the channels that this round goes out on.
            if (std::find(c.channels.begin(), c.channels.end(), via) == c.channels.end()) continue;
            auto bytes = co_await ledgers_.ledger_bytes(shard, base->id, via);
            if (!bytes) co_return bytes.error();
            ledgers.push_back(std::move(*bytes));
        }
        frozen_audience part{
            shard, c.id, c.channels, {}, {}, c.routing.how == channel_routing::mode::fallback, 0, 0};
        for (std::size_t i = 0; i < audience->size() / 4; ++i) {
            std::vector<ledger::record> records;
            for (const auto& l : ledgers)
                if (l.size() >= (i + 1) * ledger::record_size)
                    records.push_back(ledger::decode(l.data() + i * ledger::record_size));
            if (records.empty() || !takes_part(c.only, records)) continue;
            const auto items = static_cast<std::uint16_t>(records.front().items & wanted);
            if (items == 0 || (c.reminder && seen_to(items, records))) continue;
            part.members.push_back({get32(*audience, i * 4), items});
        }
        if (auto frozen = co_await freeze(std::move(part)); !frozen) co_return frozen.error();
    }
    co_return co_await ledgers_.told(std::move(in), c.id);
}

asio::awaitable<result<void>> scheduler::freeze_chosen(const campaign& c, std::vector<int> in) {
    auto document = co_await policies_.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    const auto about = read_policy(*document, errors);
    if (!about) co_return about.error();
    const auto every_item = static_cast<std::uint16_t>((1U << about->items.size()) - 1);
    for (const int shard : in) {
        frozen_audience part{shard, c.id, c.channels, {}, {}, false, 0, 0};
        for (const auto& s : c.chosen)
            if (shard_of(s.id, shards_) == shard) part.members.push_back({s.ordinal, every_item});
        std::sort(part.members.begin(), part.members.end(),
                  [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
        if (auto frozen = co_await freeze(std::move(part)); !frozen) co_return frozen.error();
    }
    co_return co_await ledgers_.told(std::move(in), c.id);
}

asio::awaitable<result<void>> scheduler::freeze(frozen_audience part) {
    auto frozen = co_await ledgers_.freeze(part.shard, part.campaign, part.channels, part.members,
                                           part.verdicts, 0, part.waiting);
    if (!frozen) co_return frozen.error();
    // Whoever was interrupted here has frozen it already, by what was true then: that is what is told.
    if (frozen->before) {
        auto held = co_await ledgers_.frozen_in(part.shard, part.campaign, part.channels.front());
        if (!held) co_return held.error();
        part.members = std::move(held->members);
    }
    auto appended = co_await log_->append_all(audience_messages(part, clock_.now()));
    if (!appended) co_return appended.error();
    ledgers_.appended(part.shard, appended->back());
    co_return result<void>{};
}

} // namespace zhida::scheduler
