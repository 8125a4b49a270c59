#include "services/portal/subject_acts.hpp"

#include "common/base/log.hpp"
#include "common/store/audit.hpp"

namespace zhida::portal {

asio::awaitable<result<store::stored_profile>> visible_subject(context& c, identity who, std::string id) {
    if (!may_see_subject(who, id) || !valid_subject_id(id)) co_return failure{errc::not_found, "", id, ""};
    auto found = co_await c.profiles.get(id);
    // Where it was looked for is of no use to who asks.
    if (!found && found.error().code == errc::not_found) co_return failure{errc::not_found, "", id, ""};
    co_return found;
}

asio::awaitable<result<void>> record_consent(context& c, identity by, consent_kind kind, std::string who,
                                             preferences chosen) {
    const auto now_ms = c.time.now().time_since_epoch().count();
    chosen.at_ms = now_ms;
    co_return co_await c.consent_changes.record(
        {kind, std::move(who), std::move(chosen), now_ms, actor_of(by)});
}

asio::awaitable<result<bool>> mark_read(context& c, std::string subject_id, std::string campaign) {
    const auto subject = co_await c.profiles.get(subject_id);
    if (!subject) co_return subject.error();
    const auto engaged = co_await c.inbox.engage(subject->shard, subject->ordinal, campaign,
                                                 ledger::engagement::seen | ledger::engagement::read);
    if (!engaged) co_return engaged.error();
    if (!engaged->changed) co_return false;
    auto changes = store::decode_changes(engaged->changes);
    if (!changes) co_return changes.error();
    transition t;
    t.shard = subject->shard;
    t.campaign = campaign;
    t.via = channel::web;
    t.kind = "engage";
    t.at_ms = c.time.now().time_since_epoch().count();
    t.changes = std::move(*changes);
    const auto appended = co_await c.log->append(delivery_message(t));
    // The flag stands in the ledger; only its audit event is missing, which a later read does not repeat.
    if (!appended)
        log::error("portal_engagement_not_audited",
                   {{"campaign", campaign}, {"error", appended.error().text()}});
    co_return true;
}

} // namespace zhida::portal
