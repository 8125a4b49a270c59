#include "services/portal/audience_preview.hpp"

#include "common/base/log.hpp"
#include "matching/condition.hpp"
#include "services/portal/preview_document.hpp"

#include <algorithm>

namespace zhida::portal {

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
    const std::vector<bool> enabled{true, c.settings.sms.enabled, c.settings.wechat.enabled}; // by channel
    co_return ok(preview_document(q, *found, *shown, enabled, c.time.now(), c.parts.catalogue));
}

asio::awaitable<result<json>> preview_policy(context& c, identity who, policy p) {
    json out = json::array();
    for (const auto& item : p.items) {
        preview_question q;
        q.subject = item.subject;
        q.condition = item.eligibility;
        q.channels = p.channels;
        q.reach = p.reach;
        auto one = co_await preview_audience(
            c, who, std::move(q)); // one after another: matchers bound how many at once
        if (!one) co_return one.error();
        (*one)["id"] = item.id;
        (*one)["title"] = item.title;
        out.push_back(std::move(*one));
    }
    co_return ok(std::move(out));
}

} // namespace zhida::portal
