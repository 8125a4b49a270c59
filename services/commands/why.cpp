// zhida why <subject> <policy>: every condition, suppression and attempt, for the hotline.
#include "common/base/clock.hpp"
#include "common/base/config_folder.hpp"
#include "common/base/little_endian.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/ledger.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "common/store/wechat_addresses.hpp"
#include "matching/near.hpp"
#include "services/commands.hpp"
#include "services/dispatcher/wechat_reach.hpp"
#include "services/portal/package_document.hpp"
#include "services/run_once.hpp"
#include "services/why_text.hpp"

#include <algorithm>
#include <iostream>
#include <map>

namespace zhida::commands {

namespace {

namespace asio = boost::asio;

constexpr int every_level = 64; // deeper than conditions may be

const char* to_string(push_reach r) {
    return r == push_reach::eligible ? "eligible" : r == push_reach::decided ? "decided" : "possible";
}

struct stores {
    stores(asio::any_io_executor executor, const config& c, const crypto::sealer& sealer)
        : redis(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)}),
          profiles(redis, sealer, static_cast<int>(c.node.shards)), policies(redis), ledgers(redis),
          consents(redis) {}
    io::redis redis;
    store::profiles profiles;
    store::policies policies;
    store::ledgers ledgers;
    store::consents consents;
};

// What to do about a subject that is not there: most often it was copied wrongly.
asio::awaitable<failure> no_subject(stores& s, std::string subject, std::string policy) {
    failure f{errc::not_found, "没有这个主体", "主体 " + subject, "请核对编号；画像由 zhida import 导入"};
    auto upper = subject;
    for (auto& ch : upper) ch = ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 'a' + 'A') : ch;
    if (upper != subject && valid_uscc(upper))
        f.fix = "统一社会信用代码的字母要大写：" + upper;
    else if (upper.size() == 18 && upper.starts_with("9") && !valid_uscc(upper))
        f.fix = "这不是有效的统一社会信用代码（校验码不符），请核对每一位";
    else if ((co_await s.policies.get(subject)).has_value())
        f.fix = "这是政策编号；先写主体，再写政策：zhida why " + policy + " " + subject;
    co_return f;
}

asio::awaitable<failure> no_policy(stores& s, std::string policy) {
    failure f{errc::not_found, "没有这个政策", "政策 " + policy,
              "请核对政策编号（document 的 id）；/policies 页列出全部政策"};
    if (const auto name = parse_campaign_id_parts(policy)) {
        f.fix = "这是推送任务的编号；请写政策编号 " + name->policy;
        co_return f;
    }
    const auto known = co_await s.policies.list(1000);
    if (!known) co_return f;
    std::vector<std::pair<std::string, std::string>> names;
    for (const auto& p : *known)
        names.emplace_back(p.document.value("id", ""), p.document.value("title", ""));
    std::vector<matching::candidate> candidates;
    candidates.reserve(names.size());
    for (const auto& [id, title] : names) candidates.push_back({id, title});
    std::string near;
    for (const auto i : matching::nearest(policy, candidates, 3))
        near += (near.empty() ? "" : "、") + names[i].first + "《" + names[i].second + "》";
    if (!near.empty()) f.fix = "相近的有：" + near;
    co_return f;
}

// Position in an audience (rising little-endian ordinals); its size where the subject is not in it.
std::size_t position_in(const std::string& audience, std::uint32_t ordinal) {
    const auto at = [&](std::size_t i) { return get32(audience, i * 4); };
    std::size_t low = 0, high = audience.size() / 4;
    while (low < high) {
        const auto middle = (low + high) / 2;
        if (at(middle) < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    return low < audience.size() / 4 && at(low) == ordinal ? low : audience.size() / 4;
}

json delivery_document(channel via, const ledger::record& r) {
    json out = {{"channel", zhida::to_string(via)},
                {"state", ledger::to_string(r.now)},
                {"label", ledger::label(r.now)},
                {"attempts", r.attempts},
                {"read", (r.engaged & ledger::engagement::read) != 0}};
    if (r.why != ledger::reason::none) {
        out["reason"] = ledger::to_string(r.why);
        out["reason_label"] = ledger::label(r.why);
    }
    if (r.first_submitted)
        out["first_submitted"] = to_rfc3339(wall_time(std::chrono::seconds(r.first_submitted)));
    if (r.now == ledger::state::held) out["until"] = to_rfc3339(wall_time(std::chrono::seconds(r.at)));
    if (ledger::terminal(r.now) || r.now == ledger::state::unknown)
        out["since"] = to_rfc3339(wall_time(std::chrono::seconds(r.at)));
    return out;
}

// The subject's deliveries in one campaign; null where it is not in the audience.
asio::awaitable<result<json>> campaign_document(stores& s, int shard, std::uint32_t ordinal,
                                                std::string campaign, const policy& p) {
    auto audience = co_await s.ledgers.audience_bytes(shard, campaign);
    if (!audience) co_return audience.error();
    const auto position = position_in(*audience, ordinal);
    if (position == audience->size() / 4) co_return ok(json());
    json out = {{"id", campaign}, {"items", json::array()}, {"deliveries", json::array()}};
    for (const auto via : p.channels) {
        auto bytes = co_await s.ledgers.ledger_bytes(shard, campaign, via);
        if (!bytes) co_return bytes.error();
        if (bytes->size() < (position + 1) * ledger::record_size) continue;
        const auto r = ledger::decode(bytes->data() + position * ledger::record_size);
        if (out["items"].empty())
            for (std::size_t i = 0; i < p.items.size(); ++i)
                if (r.items >> i & 1) out["items"].push_back(p.items[i].id);
        out["deliveries"].push_back(delivery_document(via, r));
    }
    co_return ok(std::move(out));
}

json version_document(const portal::compiled_policy& p, const profile& who, bool newest, std::int32_t day,
                      const matching::catalogue& catalogue) {
    const auto& a = p.about;
    json out = {{"version", a.version},   {"title", a.title},          {"disclosure", a.disclosure},
                {"newest", newest},       {"pushed", p.pushed},        {"reach", to_string(a.reach)},
                {"items", json::array()}, {"campaigns", json::array()}};
    for (std::size_t i = 0; i < a.items.size(); ++i) {
        const bool fits = a.items[i].subject == who.type;
        auto item =
            portal::item_document(p, i, day, catalogue, fits ? &who.attributes : nullptr, every_level);
        item["other_subject"] = !fits;
        if (!fits) item["verdict"] = "ineligible";
        out["items"].push_back(std::move(item));
    }
    return out;
}

asio::awaitable<result<json>> explain_all(asio::any_io_executor executor, config c, std::string subject,
                                          std::string policy_name) {
    auto sealer = crypto::load_sealer(contact_key_path(c), false);
    if (!sealer) co_return sealer.error();
    auto catalogue = matching::catalogue::load(config_folder(c) + "/catalogue");
    if (!catalogue) co_return catalogue.error();
    stores s(executor, c, *sealer);
    auto who = co_await s.profiles.get(subject);
    if (!who && (who.error().code == errc::not_found || !valid_subject_id(subject)))
        co_return co_await no_subject(s, subject, policy_name);
    if (!who) co_return who.error();
    auto stored = co_await s.policies.get(policy_name);
    if (!stored && stored.error().code == errc::not_found) co_return co_await no_policy(s, policy_name);
    if (!stored) co_return stored.error();
    auto newest = portal::compile_policy(stored->document, *catalogue);
    if (!newest) co_return newest.error();
    newest->pushed = stored->pushed;
    const auto day = shanghai_day(system_clock().now());

    // By version: that which is in force, and those that were pushed to this subject.
    std::map<int, json, std::greater<>> versions;
    const auto newest_version = newest->about.version;
    versions[newest_version] = version_document(*newest, who->subject, true, day, *catalogue);
    auto campaigns = co_await s.ledgers.campaigns_of(who->shard);
    if (!campaigns) co_return campaigns.error();
    for (const auto& id : *campaigns) {
        const auto name = parse_campaign_id_parts(id);
        if (!name || name->policy != newest->about.id) continue;
        auto of = *newest;
        if (name->version != newest_version) {
            auto document = co_await s.policies.get_version(newest->about.id, name->version);
            if (!document) co_return document.error();
            auto compiled = portal::compile_policy(*document, *catalogue);
            if (!compiled) co_return compiled.error();
            of = std::move(*compiled);
            of.pushed = true;
        }
        auto told = co_await campaign_document(s, who->shard, who->ordinal, id, of.about);
        if (!told) co_return told.error();
        if (told->is_null()) continue;
        auto& version = versions[name->version];
        if (version.is_null()) version = version_document(of, who->subject, false, day, *catalogue);
        version["campaigns"].push_back(std::move(*told));
    }
    auto opted_out = co_await s.consents.opted_out(who->shard, subject);
    if (!opted_out) co_return opted_out.error();

    const auto& about = who->subject;
    auto by = reachable(about.contacts);
    const store::number_digests digests(*sealer);
    auto bound = co_await store::wechat_addresses(s.redis, *sealer, static_cast<int>(c.node.shards))
                     .bound_of(who->shard, {about.id});
    if (!bound) co_return bound.error();
    if (const auto of = bound->find(about.id); of != bound->end()) {
        auto contacts = about.contacts;
        dispatcher::add_bound(contacts, of->second, [&](std::string_view a) { return digests.of(a); });
        by = reachable(contacts);
    }
    json out = {{"policy", newest->about.id},
                {"title", newest->about.title},
                {"disclosure", newest->about.disclosure},
                {"day", format_date(day)},
                {"newest", newest_version},
                {"subject",
                 {{"id", about.id},
                  {"type", zhida::to_string(about.type)},
                  {"name", about.name},
                  {"as_of", about.as_of ? json(format_date(about.as_of)) : json()},
                  {"phone", (by & reachable_by::phone) != 0},
                  {"wechat", (by & reachable_by::openid) != 0},
                  {"opted_out", *opted_out}}},
                {"versions", json::array()}};
    for (auto& [number, version] : versions) out["versions"].push_back(std::move(version));
    co_return ok(std::move(out));
}

} // namespace

int why(const options& o, const std::string& subject, const std::string& policy_name) {
    auto answer = run_once<result<json>>(
        [&](auto executor) { return explain_all(executor, o.settings, subject, policy_name); });
    if (!answer) {
        std::cerr << "zhida why: " << answer.error().text() << "\n";
        return 1;
    }
    std::cout << (o.json ? to_text(*answer) + "\n" : why_text(*answer));
    return 0;
}

} // namespace zhida::commands
