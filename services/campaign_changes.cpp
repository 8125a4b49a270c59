#include "services/campaign_changes.hpp"

#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

#include <algorithm>

namespace zhida {

namespace asio = boost::asio;

io::log_message campaign_message(const campaign& c, wall_time now) {
    cloud_event e;
    e.id = c.id + "/" + std::to_string(c.revision);
    e.source = "/zhida/campaigns";
    e.type = event_type::campaign_changed;
    e.subject = c.id;
    e.time = to_rfc3339(now);
    e.data = to_json(c);
    auto encoded = encode_event(e);
    return {topics::campaign, 0, c.id, std::move(encoded.value), encoded.headers};
}

asio::awaitable<result<void>> tell_shards(store::ledgers& ledgers, const campaign& c, int shards) {
    const bool claims_must_know = c.state == campaign_state::running || c.state == campaign_state::paused ||
                                  c.state == campaign_state::cancelled ||
                                  c.state == campaign_state::withdrawn;
    if (!claims_must_know) co_return result<void>{};
    co_return co_await ledgers.tell_state(c.id, c.state, c.revision, shards);
}

asio::awaitable<result<void>> campaign_changes::tell(const campaign& c) {
    if (auto told = co_await tell_shards(ledgers_, c, shards_); !told) co_return told.error();
    auto appended = co_await log_.append(campaign_message(c, time_.now()));
    if (!appended) co_return appended.error();
    co_return result<void>{};
}

asio::awaitable<result<campaign>> campaign_changes::keep(campaign changed) {
    auto kept = co_await campaigns_.change(std::move(changed));
    if (!kept) co_return kept.error();
    if (auto told = co_await tell(*kept); !told) co_return told.error();
    co_return *kept;
}

asio::awaitable<result<campaign>> campaign_changes::act(std::string id, campaign_action action, actor by,
                                                        std::string note) {
    auto before = co_await campaigns_.get(id);
    if (!before) co_return before.error();
    auto changed = apply(*before, action, by, time_.now().time_since_epoch().count(), note);
    if (!changed) co_return changed.error();
    auto kept = co_await keep(std::move(*changed));
    if (!kept) co_return kept.error();
    log::info("campaign changed",
              {{"campaign", id}, {"action", to_string(action)}, {"by", by.name}, {"role", by.role}});
    co_return *kept;
}

namespace {

campaign round_after(const campaign& base, std::string kind, campaign_recipients only) {
    campaign c;
    c.policy_id = base.policy_id;
    c.policy_version = base.policy_version;
    c.round = base.round;
    c.title = base.title;
    c.issuer = base.issuer;
    c.channels = base.channels;
    c.urgency = base.urgency;
    c.routing = base.routing;
    c.kind = std::move(kind);
    if (c.kind == "retry") { // whom it did not reach reads what the others read
        c.repeats = said_kind(base);
        c.reminder = base.reminder;
        c.expires_ms = base.expires_ms;
    }
    c.base = base.id;
    c.only = only;
    c.expires_ms = base.expires_ms;
    c.state = campaign_state::draft;
    return c;
}

// What is asked for is there already: a request that was sent twice, or a second click. A test may be wanted
// again at once; a correction never again.
bool the_same_round(const campaign& held, const campaign& asked) noexcept {
    return asked.kind != "test" && held.base == asked.base && held.kind == asked.kind &&
           held.only == asked.only && (asked.kind == "correction" || !final(held.state));
}

} // namespace

asio::awaitable<result<campaign>> campaign_changes::further_round(const campaign& base, std::string kind,
                                                                  campaign_recipients only, actor by) {
    if (kind != "interpretation" && kind != "deadline" && kind != "retry")
        co_return failure{errc::invalid, "没有这种后续推送：" + kind, "/kind",
                          "interpretation、deadline 或 retry"};
    if (base.state == campaign_state::withdrawn)
        co_return failure{errc::conflict, "推送任务已撤回，不能再追加推送", base.id, ""};
    if (base.kind == "test")
        co_return failure{errc::conflict, "试发不能再追加推送", base.id, "请从原任务追加"};
    if (kind == "retry") only = campaign_recipients::failed; // nobody is told twice
    auto c = round_after(base, std::move(kind), only);
    c.drafted_by = by.name;
    co_return co_await add_round(std::move(c));
}

asio::awaitable<result<campaign>> campaign_changes::test_round(const campaign& base,
                                                               std::vector<chosen_subject> chosen, actor by) {
    const auto refused = [&](const char* what, const char* fix) {
        return failure{errc::conflict, what, base.id, fix};
    };
    if (base.kind == "test") co_return refused("这已经是试发", "请从原任务试发");
    if (final(base.state)) co_return refused("推送任务已经结束，不能试发", "");
    if (expired(base, time_.now().time_since_epoch().count()))
        co_return refused("推送任务已经到期，不能试发", "");
    auto c = round_after(base, "test", campaign_recipients::everybody);
    std::erase(c.channels, channel::web);
    if (c.channels.empty()) co_return refused("此任务只在网页推送，没有可以试发的渠道", "在政策页面查看");
    c.routing = {};
    // A test is no emergency: nobody is woken by it.
    c.urgency = std::min(c.urgency, campaign_urgency::urgent);
    std::string note;
    for (const auto& s : chosen) note += (note.empty() ? "" : "、") + s.id;
    c.chosen = std::move(chosen);
    c.drafted_by = by.name;
    auto made = co_await add_round(std::move(c));
    if (!made) co_return made.error();
    log::info("campaign tested",
              {{"campaign", base.id}, {"test", made->id}, {"by", by.name}, {"role", by.role}});
    auto remarked = co_await remark(base.id, campaign_action::test, by, made->id + "：" + note);
    if (!remarked) // the test itself says who made it
        log::warn("a test is missing in the history",
                  {{"campaign", base.id}, {"test", made->id}, {"why", remarked.error().text()}});
    co_return made;
}

asio::awaitable<result<void>> campaign_changes::remark(std::string id, campaign_action what, actor by,
                                                       std::string note) {
    for (int tries = 0;; ++tries) {
        auto now = co_await campaigns_.get(id);
        if (!now) co_return now.error();
        auto kept =
            co_await keep(remarked(std::move(*now), what, by, time_.now().time_since_epoch().count(), note));
        if (kept) co_return result<void>{};
        if (kept.error().code != errc::conflict || tries == 5) co_return kept.error();
    }
}

asio::awaitable<result<void>> campaign_changes::correct(const campaign& withdrawn) {
    auto c = round_after(withdrawn, "correction", campaign_recipients::reached);
    std::erase(c.channels, channel::web);
    c.routing = {};
    c.expires_ms = 0; // who was told must hear of it, however late
    if (c.channels.empty()) co_return result<void>{};
    c.drafted_by = withdrawn.history.empty() ? withdrawn.drafted_by : withdrawn.history.back().by;
    auto made = co_await add_round(std::move(c));
    if (!made) co_return made.error();
    co_return result<void>{};
}

asio::awaitable<result<bool>> campaign_changes::make_once(campaign c) {
    auto held = co_await campaigns_.get(c.id);
    if (!held && held.error().code != errc::not_found) co_return held.error();
    const bool there = held.has_value();
    if (!there) {
        if (auto put = co_await campaigns_.put(c); !put) co_return put.error();
        held = co_await campaigns_.get(c.id);
        if (!held) co_return held.error();
    }
    // Whoever made it may have ended before it was told; the log takes the same event twice.
    if (held->revision == 0)
        if (auto told = co_await tell(*held); !told) co_return told.error();
    co_return !there;
}

asio::awaitable<result<campaign>> campaign_changes::add_round(campaign c) {
    c.created_ms = time_.now().time_since_epoch().count();
    constexpr int most_rounds = 1000, most_tests = 20;
    int tests = 0;
    for (++c.round; c.round < most_rounds; ++c.round) {
        c.id = campaign_id(c.policy_id, c.policy_version, c.round);
        auto held = co_await campaigns_.get(c.id);
        // Nobody approves a test, so there are few.
        if (held && c.kind == "test" && held->kind == "test" && held->base == c.base && ++tests >= most_tests)
            co_return failure{errc::conflict, "此任务已试发 " + std::to_string(most_tests) + " 次", c.base,
                              "不能再试发"};
        if (held && the_same_round(*held, c)) co_return *held;
        if (held) continue;
        if (held.error().code != errc::not_found) co_return held.error();
        if (auto put = co_await campaigns_.put(c); !put) co_return put.error();
        auto mine = co_await campaigns_.get(c.id);
        if (!mine) co_return mine.error();
        if (to_json(*mine) != to_json(c)) { // somebody else was quicker
            if (the_same_round(*mine, c)) co_return *mine;
            continue;
        }
        if (auto told = co_await tell(c); !told) co_return told.error();
        co_return c;
    }
    co_return failure{errc::exhausted, "该政策的推送轮次已用完", c.base, ""};
}

} // namespace zhida
