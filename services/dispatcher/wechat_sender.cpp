#include "services/dispatcher/wechat_sender.hpp"

#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/io/mutex.hpp"
#include "common/model/wechat_address.hpp"
#include "common/store/consents.hpp"
#include "common/store/wechat_addresses.hpp"
#include "services/dispatcher/outcome.hpp"
#include "services/dispatcher/quota_watch.hpp"
#include "services/dispatcher/wechat_template.hpp"
#include "services/gateways/wechat_client.hpp"
#include "services/token_share.hpp"

#include <algorithm>
#include <utility>

namespace zhida::dispatcher {

namespace {

class wechat_sender final : public sender {
  public:
    wechat_sender(asio::any_io_executor executor, const clock& c, const config& settings,
                  const wechat_config& account, io::redis& redis, const crypto::sealer& sealer,
                  metrics& meters)
        : clock_(c), settings_(settings), account_(account),
          quota_(redis, c, meters, account.name, account.appid, gateways::message_api(account),
                 account.daily_quota),
          digests_(sealer), addresses_(redis, sealer, static_cast<int>(settings.node.shards)),
          template_(wechat_template::parse(account.template_fields)), turns_(executor, batches()),
          client_(executor, c, account,
                  share_token(redis, sealer, c, account.appid, milliseconds(account.timeout_ms + 5000))) {}

    // Connections are made as messages go; a wrong account shall be seen before the first message.
    asio::awaitable<void> run() override { co_await client_.probe(); }
    void stop() override { client_.close(); }
    bool ready() const override { return client_.status().state != "stopped"; }

    asio::awaitable<gateways::send_result> send(outgoing m) override {
        if (!template_) co_return unusable(template_.error());
        gateways::wechat_message w;
        w.openid = m.address;
        w.client_msg_id = m.reference;
        w.url = account_.send_by == "miniprogram" ? account_.page : settings_.portal.public_url;
        for (auto& field : template_->fill({m.kind, m.reminder}, *m.about, m.items,
                                           shanghai_day(clock_.now()), m.also.size()))
            w.data.push_back(std::move(field));
        if (!account_.needs_grant() || account_.long_term) co_return co_await client_.send(std::move(w));
        co_return co_await send_for_a_grant(std::move(w));
    }

    asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages,
                                                                 admission at) override {
        auto results = co_await sender::send_all(std::move(messages), std::move(at));
        co_await quota_.count(client_.take_calls());
        co_return results;
    }

    std::vector<gateways::gateway_status> statuses() const override {
        auto s = client_.status();
        if (!quota_.remark().empty()) s.detail += (s.detail.empty() ? "" : "; ") + quota_.remark();
        return {s};
    }
    // The platform drops a repeated client_msg_id for ten minutes; a minute is left for clocks and the way.
    std::uint32_t resend_within_s(std::string_view) const override {
        return gateways::drops_repetitions(account_) ? 540 : 0;
    }
    asio::awaitable<admission> admit() override {
        const auto at_once = static_cast<std::int64_t>(batches());
        const auto room =
            std::clamp<std::int64_t>(account_.connections * messages_a_connection / at_once, 1, 1024);
        co_return admission{static_cast<std::size_t>(room),
                            std::make_shared<io::mutex::guard>(co_await turns_.lock())};
    }
    milliseconds rests_for() const override { return client_.used_up_for(); }
    void heard(std::string_view message_id) override {
        if (message_id.starts_with(gateways::message_id_scope(account_.name))) client_.heard();
    }

  private:
    // A batch waits for its last answer, so that each connection has several of it.
    static constexpr std::int64_t messages_a_connection = 8;

    static gateways::send_result unusable(const failure& why) {
        gateways::send_result r;
        r.outcome = gateways::send_outcome::stopped;
        r.code = no_template;
        r.detail = why.text();
        r.retry_after = std::chrono::minutes(5);
        return r;
    }

    // One grant, one message: what surely was not taken gives it back.
    asio::awaitable<gateways::send_result> send_for_a_grant(gateways::wechat_message w) {
        const auto account =
            account_.send_by == "miniprogram" ? wechat_account::miniprogram : wechat_account::official;
        const auto digest = digests_.of(to_text(wechat_address{account, w.openid}));
        const auto spent = co_await addresses_.spend(digest, account_.template_id);
        if (!spent || !*spent) { // somebody else's message took it: it is decided again
            gateways::send_result r;
            r.outcome = gateways::send_outcome::retry;
            r.code = spent ? "local:no_grant" : "local:no_store";
            r.detail = spent ? "no grant is left" : spent.error().text();
            r.retry_after = milliseconds(1000);
            co_return r;
        }
        auto r = co_await client_.send(std::move(w));
        using gateways::send_outcome;
        const bool not_taken = r.outcome == send_outcome::stopped ||
                               (r.outcome == send_outcome::retry && !r.in_doubt) ||
                               (r.outcome == send_outcome::rejected && r.recipient_fault != "refused");
        if (not_taken)
            if (const auto back = co_await addresses_.give_back(digest, account_.template_id); !back)
                log::warn("a grant is not given back", {{"why", back.error().text()}});
        co_return r;
    }

    const clock& clock_;
    const config& settings_;
    const wechat_config& account_;
    quota_watch quota_;
    store::number_digests digests_;
    store::wechat_addresses addresses_;
    result<wechat_template> template_;
    io::mutex turns_;
    gateways::wechat_client client_;
};

} // namespace

std::unique_ptr<sender> make_wechat_sender(asio::any_io_executor executor, const clock& c,
                                           const config& settings, const wechat_config& account,
                                           io::redis& redis, const crypto::sealer& sealer, metrics& meters) {
    return std::make_unique<wechat_sender>(executor, c, settings, account, redis, sealer, meters);
}

} // namespace zhida::dispatcher
