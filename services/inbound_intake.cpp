#include "services/inbound_intake.hpp"

#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "services/gateways/inbound_text.hpp"

#include <algorithm>
#include <set>

namespace zhida {

namespace {

constexpr std::size_t most_text = 4096, campaigns_looked_at = 500;
constexpr auto sender_known_for = milliseconds(10'000);

bool begun(const campaign& c) {
    switch (c.state) {
    case campaign_state::draft:
    case campaign_state::submitted:
    case campaign_state::approved:
    case campaign_state::scheduled:
        return false;
    case campaign_state::running:
    case campaign_state::paused:
    case campaign_state::finished:
        return true;
    case campaign_state::cancelled:
    case campaign_state::withdrawn: // perhaps before it began
        return std::any_of(c.history.begin(), c.history.end(),
                           [](const campaign_step& s) { return s.action == campaign_action::start; });
    }
    return false;
}

bool sends_sms_since(const campaign& c, std::int64_t since_ms) {
    if (c.kind == "test" || !begun(c)) return false;
    if (std::find(c.channels.begin(), c.channels.end(), channel::sms) == c.channels.end()) return false;
    if (!final(c.state)) return true;
    auto last = c.created_ms;
    for (const auto& step : c.history) last = std::max(last, step.at_ms);
    return last >= since_ms;
}

} // namespace

inbound_kind kind_of(const gateways::inbound_sms& m) {
    if (gateways::asks_to_stop(m.text)) return inbound_kind::refusal;
    return gateways::folded(m.text).empty() ? inbound_kind::nothing : inbound_kind::feedback;
}

std::string only_sender_of_sms(const std::vector<campaign>& campaigns, wall_time now) {
    const auto since = (now - answers_within).time_since_epoch().count();
    std::set<std::string> senders;
    for (const auto& c : campaigns)
        if (sends_sms_since(c, since)) senders.insert(c.issuer);
    return senders.size() == 1 ? *senders.begin() : "";
}

inbound_intake::inbound_intake(io::redis& redis, io::event_log& log, store::consents& consents,
                               store::campaigns& campaigns, const crypto::sealer& sealer, const clock& time,
                               int shards, department_of_number of_number)
    : campaigns_(campaigns), time_(time), of_number_(std::move(of_number)),
      changes_(log, consents, time, shards), digests_(sealer), feedback_(redis, sealer),
      acknowledgements_(redis, sealer) {}

// One after the other: a refusal goes to every shard, and they come too seldom to be worth more. Refusals
// first: nothing else that fails may hold one back.
asio::awaitable<bool> inbound_intake::accept(std::vector<gateways::inbound_sms> messages) {
    std::vector<gateways::inbound_sms*> in_order, after;
    for (auto& m : messages) (kind_of(m) == inbound_kind::refusal ? in_order : after).push_back(&m);
    in_order.insert(in_order.end(), after.begin(), after.end());
    bool all = true;
    for (auto* one : in_order) {
        auto& m = *one;
        const auto gateway = m.gateway;
        const auto kept = co_await accept_one(std::move(m));
        if (kept) continue;
        log::warn("an answer by SMS could not be kept; the gateway will send it again",
                  {{"gateway", gateway}, {"why", kept.error().text()}});
        all = false;
    }
    co_return all;
}

asio::awaitable<result<void>> inbound_intake::accept_one(gateways::inbound_sms m) {
    const auto kind = kind_of(m);
    if (kind == inbound_kind::refusal) co_return co_await opt_out(std::move(m));
    if (kind == inbound_kind::feedback) co_return co_await keep(std::move(m));
    co_return result<void>{};
}

asio::awaitable<result<void>> inbound_intake::opt_out(gateways::inbound_sms m) {
    const auto digest = digests_.of(m.phone);
    const auto now = time_.now();
    auto kept = co_await changes_.record(
        {consent_kind::number_out, digest, {}, now.time_since_epoch().count(), {"sms", "gateway"}});
    if (!kept) co_return kept.error();
    const auto asked =
        co_await acknowledgements_.ask(digest, {std::move(m.phone), std::move(m.gateway), now});
    if (!asked) co_return asked.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> inbound_intake::keep(gateways::inbound_sms m) {
    auto department = co_await department_of(m.to);
    if (!department) co_return department.error();
    m.text.resize(valid_utf8_prefix(std::string_view(m.text).substr(0, most_text)));
    auto added = co_await feedback_.add({std::move(*department), std::move(m.gateway), std::move(m.to),
                                         std::move(m.phone), std::move(m.text), m.at, std::move(m.id)},
                                        time_.now());
    if (!added) co_return added.error();
    co_return result<void>{};
}

asio::awaitable<result<std::string>> inbound_intake::department_of(std::string to) {
    if (of_number_)
        if (auto named = of_number_(to); !named.empty()) co_return named;
    const auto now = time_.steady_now();
    if (looked_ && now - *looked_ < sender_known_for) co_return only_sender_;
    // What began long ago and still goes on is among the open ones, whatever came since.
    auto campaigns = co_await campaigns_.open();
    if (!campaigns) co_return campaigns.error();
    auto newest = co_await campaigns_.list(campaigns_looked_at);
    if (!newest) co_return newest.error();
    campaigns->insert(campaigns->end(), newest->begin(), newest->end());
    only_sender_ = only_sender_of_sms(*campaigns, time_.now());
    looked_ = now;
    co_return only_sender_;
}

} // namespace zhida
