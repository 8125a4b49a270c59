// zhida why <subject> <policy>: every condition, suppression and attempt, for the hotline.
#include "common/base/clock.hpp"
#include "common/base/config_folder.hpp"
#include "common/base/murmur2.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "matching/policy_check.hpp"
#include "services/commands.hpp"
#include "services/run_once.hpp"

#include <algorithm>
#include <iostream>

namespace zhida::commands {

namespace {

namespace asio = boost::asio;

json to_json(const matching::explanation& e) {
    static constexpr const char* truths[] = {"no", "unknown", "yes"};
    json out = {{"pointer", e.pointer}, {"outcome", truths[static_cast<int>(e.outcome)]}, {"text", e.text}};
    if (e.manual) out["manual"] = true;
    if (!e.clause.empty()) out["clause"] = e.clause;
    if (!e.attribute.empty()) out["attribute"] = e.attribute;
    if (!e.value.empty()) out["value"] = e.value;
    if (!e.requirement.empty()) out["requirement"] = e.requirement;
    for (const auto& part : e.parts) out["parts"].push_back(to_json(part));
    return out;
}

// The deliveries of the subject in the campaign of the policy's version, by channel.
asio::awaitable<result<json>> deliveries(io::redis& redis, const store::stored_profile& who,
                                         std::string campaign, std::vector<channel> channels) {
    store::ledgers ledgers(redis);
    auto audience = co_await ledgers.audience_bytes(who.shard, campaign);
    if (!audience) co_return audience.error();
    const auto ordinal_at = [&](std::size_t i) {
        std::uint32_t v = 0;
        for (int b = 3; b >= 0; --b)
            v = v << 8 | static_cast<unsigned char>((*audience)[i * 4 + static_cast<std::size_t>(b)]);
        return v;
    };
    json found = json::array();
    std::size_t low = 0, high = audience->size() / 4;
    while (low < high) {
        const auto middle = (low + high) / 2;
        if (ordinal_at(middle) < who.ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    if (low >= audience->size() / 4 || ordinal_at(low) != who.ordinal) co_return ok(std::move(found));
    for (const auto via : channels) {
        auto bytes = co_await ledgers.ledger_bytes(who.shard, campaign, via);
        if (!bytes) co_return bytes.error();
        if (bytes->size() < (low + 1) * ledger::record_size) continue;
        const auto r = ledger::decode(bytes->data() + low * ledger::record_size);
        json entry = {{"channel", to_string(via)},
                      {"state", ledger::to_string(r.now)},
                      {"label", ledger::label(r.now)},
                      {"attempts", r.attempts},
                      {"items", r.items}};
        if (r.why != ledger::reason::none) {
            entry["reason"] = ledger::to_string(r.why);
            entry["reason_label"] = ledger::label(r.why);
        }
        if (r.first_submitted)
            entry["first_submitted"] = to_rfc3339(wall_time(std::chrono::seconds(r.first_submitted)));
        if (ledger::terminal(r.now) || r.now == ledger::state::unknown)
            entry["since"] = to_rfc3339(wall_time(std::chrono::seconds(r.at)));
        if (r.engaged & ledger::engagement::read) entry["read"] = true;
        found.push_back(std::move(entry));
    }
    co_return ok(std::move(found));
}

asio::awaitable<result<json>> explain_all(asio::any_io_executor executor, config c, std::string subject,
                                          std::string policy_name) {
    auto sealer = crypto::load_sealer(contact_key_path(c), false);
    if (!sealer) co_return sealer.error();
    auto catalogue = matching::catalogue::load(config_folder(c) + "/catalogue");
    if (!catalogue) co_return catalogue.error();
    io::redis redis(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)});
    store::profiles profiles(redis, *sealer, static_cast<int>(c.node.shards));
    store::policies policies(redis);
    auto who = co_await profiles.get(subject);
    if (!who) co_return who.error();
    auto stored = co_await policies.get(policy_name);
    if (!stored) co_return stored.error();
    std::vector<failure> errors;
    auto checked = matching::check_policy(stored->document, *catalogue, errors);
    if (!checked) co_return checked.error();
    const auto& p = checked->document;
    const auto today = shanghai_day(system_clock().now());

    json items = json::array();
    for (std::size_t i = 0; i < p.items.size(); ++i) {
        const auto& item = p.items[i];
        json entry = {{"item", item.id}, {"title", item.title}};
        if (item.subject != who->subject.type) {
            entry["verdict"] = "ineligible";
            entry["label"] = "不适用于这类主体";
        } else {
            const auto j = matching::judge(checked->conditions[i], who->subject.attributes, today);
            entry["verdict"] = matching::to_string(j.outcome);
            entry["label"] = matching::label(j.outcome);
            entry["only_manual_open"] = j.only_manual_open;
            entry["one_short"] = j.one_short;
            std::map<std::string, matching::label_text> labels;
            for (const auto& [pointer, text] : item.labels) labels[pointer] = {text.first, text.second};
            for (const auto& e : matching::explain(checked->conditions[i], who->subject.attributes, today,
                                                   *catalogue, labels))
                entry["conditions"].push_back(to_json(e));
        }
        items.push_back(std::move(entry));
    }
    const auto campaign = campaign_id(p.id, p.version, 1);
    auto sent = co_await deliveries(redis, *who, campaign, p.channels);
    if (!sent) co_return sent.error();
    store::consents consents(redis);
    auto out = co_await consents.opted_out(who->shard, subject);
    if (!out) co_return out.error();
    co_return ok(json{{"subject", subject},
                      {"policy", p.id},
                      {"version", p.version},
                      {"title", p.title},
                      {"disclosure", p.disclosure},
                      {"items", std::move(items)},
                      {"campaign", campaign},
                      {"in_audience", !sent->empty()},
                      {"opted_out", *out},
                      {"deliveries", std::move(*sent)}});
}

void print_conditions(const json& conditions, int indent) {
    for (const auto& e : conditions) {
        const auto outcome = e["outcome"].get<std::string>();
        std::cout << std::string(static_cast<std::size_t>(indent), ' ')
                  << (outcome == "yes"  ? "✓ "
                      : outcome == "no" ? "✗ "
                                        : "? ")
                  << e["text"].get<std::string>();
        if (e.contains("value"))
            std::cout << "（本主体：" << e["value"].get<std::string>() << "）";
        else if (e.contains("manual"))
            std::cout << "（须人工核对）";
        else if (outcome == "unknown" && e.contains("attribute"))
            std::cout << "（缺少数据）";
        std::cout << "\n";
        if (e.contains("parts")) print_conditions(e["parts"], indent + 2);
    }
}

void print(const json& a) {
    std::cout << a["title"].get<std::string>() << "（" << a["policy"].get<std::string>() << " 第"
              << a["version"] << "版，" << a["disclosure"].get<std::string>() << "）\n";
    for (const auto& item : a["items"]) {
        std::cout << "事项 " << item["item"].get<std::string>() << " " << item["title"].get<std::string>()
                  << "：" << item["label"].get<std::string>() << "\n";
        if (item.contains("conditions")) print_conditions(item["conditions"], 2);
    }
    if (!a["in_audience"].get<bool>())
        std::cout << "不在推送任务 " << a["campaign"].get<std::string>() << " 的受众中\n";
    if (a["opted_out"].get<bool>()) std::cout << "本人已退订短信和微信\n";
    for (const auto& d : a["deliveries"]) {
        std::cout << "渠道 " << d["channel"].get<std::string>() << "：" << d["label"].get<std::string>();
        if (d.contains("reason_label")) std::cout << "，" << d["reason_label"].get<std::string>();
        if (d.contains("first_submitted"))
            std::cout << "，首次提交 " << d["first_submitted"].get<std::string>();
        if (d.contains("since")) std::cout << "，自 " << d["since"].get<std::string>();
        std::cout << "\n";
    }
}

} // namespace

int why(const options& o, const std::string& subject, const std::string& policy_name) {
    auto answer = run_once<result<json>>(
        [&](auto executor) { return explain_all(executor, o.settings, subject, policy_name); });
    if (!answer) {
        std::cerr << "zhida why: " << answer.error().text() << "\n";
        return 1;
    }
    if (o.json)
        std::cout << to_text(*answer) << "\n";
    else
        print(*answer);
    return 0;
}

} // namespace zhida::commands
