#include "services/portal/audience_preview.hpp"

#include "common/base/log.hpp"
#include "matching/condition.hpp"
#include "services/portal/preview_document.hpp"
#include "services/portal/sms_preview.hpp"
#include "services/portal/texts.hpp"

#include <algorithm>
#include <map>

namespace zhida::portal {

namespace {

std::vector<bool> enabled_channels(const context& c) {
    return {true, c.settings.sms.enabled, c.settings.sends_wechat()};
}

} // namespace

std::optional<preview_question> read_audience_request(const json& document,
                                                      const matching::catalogue& catalogue,
                                                      std::vector<failure>& errors) {
    const auto before = errors.size();
    json_reader in(document, "", errors);
    if (!in.is_object()) return std::nullopt;
    in.only({"subject", "condition", "channels", "reach"});
    preview_question q;
    q.channels = {channel::web, channel::sms, channel::wechat};
    const auto subject = in.text("subject", true);
    const bool known = subject && parse(*subject, q.subject);
    if (subject && !known)
        in.error_at("subject", "'" + subject->substr(0, 40) + "' is not a subject", "enterprise or resident");
    if (const auto reach = in.text("reach", false); reach && !parse(*reach, q.reach))
        in.error_at("reach", "'" + reach->substr(0, 40) + "' is not a reach",
                    "eligible, decided or possible");
    if (const auto* names = in.array("channels", false, channel_count)) {
        q.channels.clear();
        for (std::size_t i = 0; i < names->size(); ++i) {
            channel via{};
            const auto& name = (*names)[i];
            if (!name.is_string() || !parse(name.get_ref<const std::string&>(), via))
                errors.push_back({errc::invalid, "is not a channel", "/channels/" + std::to_string(i),
                                  "web, sms or wechat"});
            else if (std::find(q.channels.begin(), q.channels.end(), via) == q.channels.end())
                q.channels.push_back(via);
        }
    }
    const auto condition = document.find("condition");
    if (condition == document.end())
        in.error_at("condition", "is missing", "a condition in CQL2-JSON");
    else if (known)
        static_cast<void>(
            matching::condition::compile(*condition, q.subject, catalogue, errors, "/condition"));
    if (errors.size() > before) return std::nullopt;
    q.condition = *condition;
    return q;
}

asio::awaitable<result<json>> preview_audience(context& c, identity who, preview_question q) {
    // Who asks again and again can narrow a few people down: that must be seen afterwards.
    log::info("audience previewed", {{"role", to_string(who.as)},
                                     {"name", who.name},
                                     {"subject", to_string(q.subject)},
                                     {"condition_sha256", crypto::sha256_hex(to_text(q.condition))}});
    const auto found = co_await preview(c, q);
    if (!found) co_return found.error();
    std::vector<store::subject_place> places;
    places.reserve(found->sum.sample.size());
    for (const auto& s : found->sum.sample) places.push_back({s.shard, s.ordinal});
    const auto shown = co_await c.profiles.without_contacts(std::move(places));
    if (!shown) co_return shown.error();
    co_return ok(preview_document(q, *found, *shown, enabled_channels(c), c.time.now(), c.parts.catalogue));
}

namespace {

json sms_document_of(context& c, const policy& p, std::size_t item, const json& preview) {
    json recipients;
    for (const auto& via : preview.at("channels"))
        if (via.at("channel") == to_string(channel::sms)) recipients = via.at("reachable");
    const auto today = shanghai_day(c.time.now());
    return sms_document(sms_of_item(c.files.sms, c.settings.sms, p, item, today), c.files.sms, c.settings.sms,
                        std::move(recipients), today);
}

// Of what is not sent whoever is found: nobody is counted for it.
json nobody(context& c, const preview_question& q, const char* why) {
    preview_outcome none;
    none.not_sent = why;
    for (const auto via : q.channels) none.sum.channels.push_back({via});
    return preview_document(q, none, {}, enabled_channels(c), c.time.now(), c.parts.catalogue);
}

} // namespace

asio::awaitable<result<json>> preview_policy(context& c, identity who, policy p) {
    json out = json::array();
    const auto today = shanghai_day(c.time.now());
    std::map<subject_type, int> counted;
    for (const auto& item : p.items) {
        preview_question q;
        q.subject = item.subject;
        q.condition = item.eligibility;
        q.channels = p.channels;
        q.reach = p.reach;
        const char* why = not_sent(p, item, today);
        if (!why) ++counted[item.subject];
        // One after another: matchers bound how many at once.
        auto one = why ? ok(nobody(c, q, why)) : co_await preview_audience(c, who, std::move(q));
        if (!one) co_return one.error();
        const bool told = !why && c.settings.sms.enabled &&
                          std::find(p.channels.begin(), p.channels.end(), channel::sms) != p.channels.end();
        if (told)
            (*one)["sms"] = sms_document_of(c, p, static_cast<std::size_t>(&item - p.items.data()), *one);
        (*one)["id"] = item.id;
        (*one)["title"] = item.title;
        out.push_back(std::move(*one));
    }
    const bool several = counted[subject_type::enterprise] > 1 || counted[subject_type::resident] > 1;
    co_return ok(json{{"items", std::move(out)},
                      {"note", several ? json(text(language::zh, "preview_several")) : json()}});
}

} // namespace zhida::portal
