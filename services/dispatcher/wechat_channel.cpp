#include "common/io/mutex.hpp"
#include "common/model/wechat_address.hpp"
#include "services/dispatcher/guarded_sender.hpp"
#include "services/dispatcher/outcome.hpp"
#include "services/dispatcher/wechat_sender.hpp"
#include "services/dispatcher/wecom_sender.hpp"
#include "services/token_share.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <array>

namespace zhida::dispatcher {

namespace {

class wechat_channel final : public sender {
  public:
    using accounts = std::array<std::unique_ptr<sender>, wechat_account_count>; // null: not enabled

    wechat_channel(asio::any_io_executor executor, accounts all)
        : accounts_(std::move(all)), turns_(std::move(executor), batches()) {
        for (const auto& a : accounts_)
            if (a) enabled_.push_back(a.get());
    }

    asio::awaitable<void> run() override {
        for (auto* a : enabled_) co_await a->run();
    }
    void stop() override {
        for (auto* a : enabled_) a->stop();
    }
    bool ready() const override {
        return std::any_of(enabled_.begin(), enabled_.end(), [](const sender* a) { return a->ready(); });
    }
    asio::awaitable<gateways::send_result> send(outgoing m) override {
        auto* via = account_of(m);
        if (!via) co_return rests("no account reaches this address");
        co_return co_await via->send(std::move(m));
    }

    asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages,
                                                                 admission at) override {
        std::vector<gateways::send_result> results(messages.size());
        std::array<std::vector<std::size_t>, wechat_account_count> of;
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const auto to = parse_wechat_address(messages[i].address);
            if (!to || !accounts_[static_cast<std::size_t>(to->account)])
                results[i] = rests("no account reaches this address");
            else
                of[static_cast<std::size_t>(to->account)].push_back(i);
        }
        for (std::size_t a = 0; a < of.size(); ++a) {
            if (of[a].empty()) continue;
            auto* via = accounts_[a].get();
            // The turn that was admitted is the account's where there is but one; else each has its own.
            const bool alone = enabled_.size() == 1;
            auto own = alone ? std::move(at) : co_await admitted(via);
            std::vector<outgoing> part;
            const auto many = alone ? of[a].size() : std::min(of[a].size(), own.room);
            for (std::size_t k = 0; k < many; ++k) {
                auto& m = messages[of[a][k]];
                m.address = parse_wechat_address(m.address)->id;
                part.push_back(std::move(m));
            }
            for (std::size_t k = many; k < of[a].size(); ++k)
                results[of[a][k]] = rests("the account takes nothing now", via->rests_for());
            auto answers = co_await via->send_all(std::move(part), std::move(own));
            for (std::size_t k = 0; k < many; ++k) results[of[a][k]] = std::move(answers[k]);
        }
        co_return results;
    }

    std::vector<gateways::gateway_status> statuses() const override {
        std::vector<gateways::gateway_status> all;
        for (const auto* a : enabled_)
            for (auto& s : a->statuses()) all.push_back(std::move(s));
        return all;
    }
    std::uint32_t resend_within_s(std::string_view address) const override {
        const auto to = parse_wechat_address(address);
        const auto* via = to ? accounts_[static_cast<std::size_t>(to->account)].get() : nullptr;
        return via ? via->resend_within_s(to->id) : 0;
    }
    asio::awaitable<admission> admit() override {
        if (enabled_.size() == 1) co_return co_await enabled_.front()->admit();
        auto turn = std::make_shared<io::mutex::guard>(co_await turns_.lock());
        co_return admission{ready() ? room_of_several : 0, std::move(turn)};
    }
    milliseconds rests_for() const override { // until the first of them takes something again
        auto least = milliseconds::max();
        for (const auto* a : enabled_) least = std::min(least, a->rests_for());
        return least;
    }
    void heard(std::string_view message_id) override {
        for (auto* a : enabled_) a->heard(message_id);
    }

  private:
    static constexpr std::size_t room_of_several = 16; // a batch waits for the slowest account in it

    sender* account_of(outgoing& m) const {
        const auto to = parse_wechat_address(m.address);
        if (!to) return nullptr;
        auto* via = accounts_[static_cast<std::size_t>(to->account)].get();
        m.address = std::string(to->id);
        return via;
    }
    static asio::awaitable<admission> admitted(sender* via) {
        if (!via->ready()) co_return admission{};
        co_return co_await via->admit();
    }
    static gateways::send_result rests(const char* why, milliseconds at_least = milliseconds(0)) {
        gateways::send_result r;
        r.outcome = gateways::send_outcome::stopped;
        r.code = account_rests;
        r.detail = why;
        r.retry_after = std::max<milliseconds>(std::chrono::minutes(1), at_least);
        return r;
    }

    accounts accounts_;
    std::vector<sender*> enabled_;
    io::mutex turns_;
};

} // namespace

std::unique_ptr<sender> make_wechat_channel(asio::any_io_executor executor, const clock& c,
                                            const config& settings, io::redis& redis,
                                            const crypto::sealer& sealer, metrics& meters) {
    wechat_channel::accounts all;
    for (const auto* account : {&settings.wechat, &settings.miniprogram}) {
        if (!account->enabled) continue;
        const auto which =
            account == &settings.wechat ? wechat_account::official : wechat_account::miniprogram;
        all[static_cast<std::size_t>(which)] = std::make_unique<guarded_sender>(
            make_wechat_sender(executor, c, settings, *account, redis, sealer, meters), c);
    }
    if (const auto& w = settings.wecom; w.enabled)
        all[static_cast<std::size_t>(wechat_account::wecom)] = std::make_unique<guarded_sender>(
            make_wecom_sender(executor, c, settings, redis, sealer, meters,
                              share_token(redis, sealer, c, w.corpid + ":" + std::to_string(w.agentid),
                                          milliseconds(w.timeout_ms + 5000))),
            c);
    if (std::none_of(all.begin(), all.end(), [](const auto& a) { return a != nullptr; })) return nullptr;
    return std::make_unique<wechat_channel>(executor, std::move(all));
}

} // namespace zhida::dispatcher
