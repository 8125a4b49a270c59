#include "services/portal/live_feed.hpp"

#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/portal/access.hpp"
#include "services/portal/campaign_document.hpp"

namespace zhida::portal {

namespace {

asio::awaitable<result<json>> describe(context& c, const store::stored_profile& subject,
                                       store::inbox_entry entry) {
    const auto name = parse_campaign_id_parts(entry.campaign);
    if (!name)
        co_return failure{errc::invalid, "a campaign's id has no version and round", entry.campaign, ""};
    auto policy = co_await c.compiled.get_version(name->policy, name->version);
    if (!policy) co_return policy.error();
    const auto newest = co_await c.compiled.get(name->policy);
    if (!newest) co_return newest.error();
    const auto about = co_await c.campaigns.get(entry.campaign);
    if (!about) co_return about.error();
    co_return ok(package_document(*about, entry.web, **policy, (*newest)->about.version,
                                  subject.subject.attributes, c.time.now(), c.parts.catalogue));
}

asio::awaitable<void> tell_arrivals(context& c, const transition& t) {
    for (const auto& l : c.live.affected(t)) {
        auto subject = co_await c.profiles.get(l->id);
        if (!subject) continue; // deleted meanwhile
        auto package = co_await package_of(c, std::move(*subject), t.campaign);
        if (!package) {
            // Most arrivals are for others of the same shard.
            if (package.error().code != errc::not_found)
                log::warn("portal_live_package_unreadable",
                          {{"campaign", t.campaign}, {"error", package.error().text()}});
            continue;
        }
        l->announced.insert(t.campaign);
        l->stream.send(sse_event("package", *package));
    }
}

} // namespace

asio::awaitable<result<json>> packages_of(context& c, store::stored_profile subject) {
    auto entries = co_await c.inbox.of(subject.shard, subject.ordinal);
    if (!entries) co_return entries.error();
    json out = json::array();
    for (auto& entry : *entries) {
        auto one = co_await describe(c, subject, std::move(entry));
        if (!one) co_return one.error();
        out.push_back(std::move(*one));
    }
    co_return ok(std::move(out));
}

asio::awaitable<result<json>> package_of(context& c, store::stored_profile subject, std::string campaign) {
    auto entry = co_await c.inbox.one(subject.shard, subject.ordinal, std::move(campaign));
    if (!entry) co_return entry.error();
    co_return co_await describe(c, subject, std::move(*entry));
}

asio::awaitable<void> follow_deliveries(context& c, io::log_consumer& consumer) {
    while (true) {
        auto event = co_await consumer.next();
        if (!event) {
            if (event.error().code == errc::cancelled) co_return;
            const auto there = co_await c.log->end_offsets(topics::delivery);
            if (there || there.error().code != errc::not_found) // the topic is made while we start
                log::warn("portal_deliveries_unreadable", {{"error", event.error().text()}});
            co_await io::sleep_for(c.time, milliseconds(1000));
            continue;
        }
        const auto* records = std::get_if<std::vector<io::log_record>>(&*event);
        if (!records) continue;
        for (const auto& record : *records) {
            const auto decoded = decode_event(record.headers, record.value);
            if (decoded && decoded->type != event_type::delivery_changed) continue; // audiences come before
            const auto t = decoded ? read_transition(decoded->data) : result<transition>(decoded.error());
            if (!t) {
                // The dispatchers' own audit: whoever rebuilds from it will say more. Live pages go on.
                log::warn("portal_delivery_unreadable", {{"partition", record.partition},
                                                         {"offset", record.offset},
                                                         {"error", t.error().text()}});
                continue;
            }
            c.live.changed(t->campaign);
            co_await tell_arrivals(c, *t);
        }
    }
}

asio::awaitable<void> tell_progress(context& c, const bool& stopping) {
    while (!stopping) {
        co_await io::sleep_for(c.time, milliseconds(1000));
        const auto listeners = c.live.staff();
        if (listeners.empty()) continue;
        const auto changed = c.live.take_changed();
        if (changed.empty()) continue;
        // Read now: what is kept may be older than the change, and nobody would tell of it again.
        std::vector<campaign> about;
        for (const auto& id : changed)
            if (auto one = co_await c.campaigns.get(id))
                about.push_back(std::move(*one));
            else if (one.error().code != errc::not_found)
                c.live.changed(id); // next second again
        const auto progress = co_await c.campaigns.progress_of(std::move(about));
        if (!progress) {
            log::warn("portal_progress_unreadable", {{"error", progress.error().text()}});
            for (const auto& id : changed) c.live.changed(id); // next second again
            continue;
        }
        for (const auto& l : listeners) {
            json campaigns = json::array();
            for (const auto& p : *progress)
                if (may_see_campaign(l->who, p.about.issuer)) campaigns.push_back(campaign_document(p));
            if (!campaigns.empty()) l->stream.send(sse_event("progress", {{"campaigns", campaigns}}));
        }
    }
}

} // namespace zhida::portal
