#include "services/dispatcher/wecom_sender.hpp"

#include "common/base/log.hpp"
#include "common/io/mutex.hpp"
#include "common/store/member_rates.hpp"
#include "services/dispatcher/quota_watch.hpp"
#include "services/dispatcher/wecom_message.hpp"
#include "services/gateways/wecom_client.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace zhida::dispatcher {

namespace {

// The platform drops a repetition for half an hour; a minute is left for clocks and the way.
constexpr std::uint32_t resend_s = gateways::duplicate_check_s - 60;
constexpr const char* send_api = "/cgi-bin/message/send";
constexpr milliseconds clocks_differ{1000}, store_takes{1000}; // at most

// What the platform counts by, and what the token is of.
std::string account_of(const wecom_config& w) {
    return w.corpid + ":" + std::to_string(w.agentid);
}

// Of a call: its members, each once, and the messages to each of them.
struct wecom_call {
    std::vector<std::string> userids, digests;
    std::vector<std::vector<std::size_t>> messages; // parallel to them
    std::map<std::string, std::size_t> place;       // by folded userid
};

class wecom_sender final : public sender {
  public:
    wecom_sender(asio::any_io_executor executor, const clock& c, const config& settings, io::redis& redis,
                 const crypto::sealer& sealer, metrics& meters, gateways::wechat_token_store tokens)
        : clock_(c), settings_(settings), sealer_(sealer),
          rates_(redis, static_cast<int>(settings.node.shards)),
          quota_(redis, c, meters, "wecom", account_of(settings.wecom), send_api, settings.wecom.daily_quota),
          turns_(executor, batches()), client_(executor, c, settings.wecom, std::move(tokens)) {}

    // Connections are made as messages go; a wrong account shall be seen before the first message.
    asio::awaitable<void> run() override { co_await client_.probe(); }
    void stop() override { client_.close(); }
    bool ready() const override { return client_.status().state != "stopped"; }
    asio::awaitable<gateways::send_result> send(outgoing m) override {
        std::vector<outgoing> one;
        one.push_back(std::move(m));
        co_return std::move((co_await send_all(std::move(one), {})).front());
    }
    asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages,
                                                                 admission) override {
        const auto today = shanghai_day(clock_.now());
        std::vector<gateways::send_result> results(messages.size());
        std::map<gateways::wecom_text, wecom_call> calls;
        std::map<std::tuple<const policy*, std::uint16_t, std::size_t, std::string, const reminder_notice*>,
                 gateways::wecom_text>
            texts;
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const auto& m = messages[i];
            auto [text, made] = texts.try_emplace({m.about, m.items, m.also.size(), m.kind, m.reminder});
            if (made)
                text->second = wecom_of_round({m.kind, m.reminder}, *m.about, m.items, today, m.also.size(),
                                              settings_.portal.public_url);
            // Who stands for two subjects reads the same words once.
            auto& call = calls[text->second];
            const auto folded = gateways::folded_userid(m.address);
            const auto [place, first] = call.place.try_emplace(folded, call.userids.size());
            if (first) {
                call.userids.push_back(m.address);
                call.digests.push_back(sealer_.lookup_hash("wecom:" + folded));
                call.messages.emplace_back();
            }
            call.messages[place->second].push_back(i);
        }
        for (const auto& [text, call] : calls) {
            const auto answers = co_await within_rates(text, call);
            for (std::size_t k = 0; k < answers.size(); ++k)
                for (const auto i : call.messages[k]) results[i] = answers[k];
        }
        co_return results;
    }
    std::vector<gateways::gateway_status> statuses() const override {
        auto s = client_.status();
        if (!quota_.remark().empty()) s.detail += (s.detail.empty() ? "" : "; ") + quota_.remark();
        return {s};
    }
    std::uint32_t resend_within_s(std::string_view) const override { return resend_s; }
    milliseconds rests_for() const override { return client_.stopped_for(); }
    asio::awaitable<admission> admit() override {
        // A batch is few calls, one after another, whatever it holds.
        co_return admission{gateways::most_wecom_recipients,
                            std::make_shared<io::mutex::guard>(co_await turns_.lock())};
    }
    std::size_t batches() const override {
        return static_cast<std::size_t>(std::clamp<std::int64_t>(settings_.wecom.connections, 1, 16));
    }

  private:
    // What is granted arrives within two time-outs, as the client begins no request after the first, and
    // what the store took to grant it.
    store::member_limits limits() const {
        return {settings_.wecom.member_per_minute, settings_.wecom.member_per_hour,
                2 * milliseconds(settings_.wecom.timeout_ms) + clocks_differ + store_takes};
    }
    asio::awaitable<std::vector<gateways::send_result>> within_rates(gateways::wecom_text text,
                                                                     const wecom_call& call);

    const clock& clock_;
    const config& settings_;
    const crypto::sealer& sealer_;
    store::member_rates rates_;
    quota_watch quota_;
    io::mutex turns_;
    gateways::wecom_client client_;
};

gateways::send_result not_now(std::string code, std::string detail, milliseconds after) {
    gateways::send_result r;
    r.outcome = gateways::send_outcome::retry;
    r.code = std::move(code);
    r.detail = std::move(detail);
    r.retry_after = after;
    return r;
}

bool surely_not_sent(const gateways::send_result& r) noexcept {
    return (r.outcome == gateways::send_outcome::retry && !r.in_doubt) ||
           r.outcome == gateways::send_outcome::stopped;
}

asio::awaitable<std::vector<gateways::send_result>> wecom_sender::within_rates(gateways::wecom_text text,
                                                                               const wecom_call& call) {
    std::vector<gateways::send_result> results(call.userids.size());
    const auto asked = clock_.steady_now();
    const auto taken = co_await rates_.take(call.digests, limits(), clock_.now());
    const bool late = clock_.steady_now() > asked + store_takes;
    if (!taken || late) { // sending without asking might lose messages without a word
        if (taken) (void)co_await rates_.give_back(taken->by, call.digests);
        std::fill(
            results.begin(), results.end(),
            not_now("local:no_rates", taken ? "Redis is slow" : taken.error().text(), milliseconds(2000)));
        co_return results;
    }
    std::vector<std::string> granted;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (taken->wait[i].count() > 0) {
            results[i] = not_now("local:member_rate", "该成员一分钟或一小时内的消息已达上限", taken->wait[i]);
            continue;
        }
        granted.push_back(call.userids[i]);
        places.push_back(i);
    }
    if (granted.empty()) co_return results;
    const auto persons = static_cast<std::int64_t>(granted.size()); // the platform counts them, not calls
    auto answers = co_await client_.send(std::move(text), std::move(granted));
    co_await quota_.count({{send_api, persons}});
    std::vector<std::string> back;
    for (std::size_t k = 0; k < answers.size(); ++k) {
        if (surely_not_sent(answers[k])) back.push_back(call.digests[places[k]]);
        results[places[k]] = std::move(answers[k]);
    }
    const auto given = co_await rates_.give_back(taken->by, std::move(back));
    if (!given) log::debug("a member's rate counts what was not sent", {{"why", given.error().text()}});
    co_return results;
}

} // namespace

std::unique_ptr<sender> make_wecom_sender(asio::any_io_executor executor, const clock& c,
                                          const config& settings, io::redis& redis,
                                          const crypto::sealer& sealer, metrics& meters,
                                          gateways::wechat_token_store tokens) {
    return std::make_unique<wecom_sender>(executor, c, settings, redis, sealer, meters, std::move(tokens));
}

} // namespace zhida::dispatcher
