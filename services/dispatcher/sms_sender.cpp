#include "services/dispatcher/sms_sender.hpp"

#include "common/base/clock.hpp"
#include "services/dispatcher/outcome.hpp"
#include "services/dispatcher/round_text.hpp"
#include "services/dispatcher/sms_message.hpp"
#include "services/gateways/make_sms_gateway.hpp"
#include "services/gateways/sms_router.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace zhida::dispatcher {

namespace {

class sms_sender final : public sender {
  public:
    sms_sender(asio::any_io_executor executor, const clock& c, const sms_config& settings,
               const sms_content& content, gateways::receipt_sink receipts, gateways::inbound_sink inbound,
               const gateways::code_table& codes)
        : clock_(c), settings_(settings), content_(content),
          router_(executor, c, gateways_of(settings), std::move(receipts), std::move(inbound),
                  [executor, &c, codes](const sms_gateway_config& g, auto heard, auto written) {
                      return gateways::make_sms_gateway(executor, c, g, std::move(heard), std::move(written),
                                                        codes.of(g));
                  }) {}

    asio::awaitable<void> run() override { co_await router_.run(); }
    void stop() override { router_.stop(milliseconds(2000)); }
    bool ready() const override { return router_.ready(); }
    asio::awaitable<gateways::send_result> send(outgoing m) override {
        std::vector<outgoing> one;
        one.push_back(std::move(m));
        co_return std::move((co_await send_all(std::move(one), co_await admit())).front());
    }
    // Who matched the same items of a policy reads the same text of a round: made and cut once for all.
    asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages,
                                                                 admission at) override {
        const auto today = shanghai_day(clock_.now());
        std::map<
            std::tuple<const policy*, std::uint16_t, std::size_t, std::string, const reminder_notice*, bool>,
            std::shared_ptr<const gateways::sms_body>>
            bodies;
        std::vector<gateways::send_result> results(messages.size());
        std::vector<gateways::sms_copy> copies;
        std::vector<std::size_t> sent; // the message of each copy
        copies.reserve(messages.size());
        for (std::size_t i = 0; i < messages.size(); ++i) {
            auto& m = messages[i];
            auto& body = bodies[{m.about, m.items, m.also.size(), m.kind, m.reminder, m.emergency}];
            if (!body) body = std::make_shared<const gateways::sms_body>(body_of(m, today));
            if (!body->parts && body->parts.error().code == errc::refused) {
                results[i] = without_signature(body->parts.error());
                continue;
            }
            copies.push_back({std::move(m.address), body});
            sent.push_back(i);
        }
        if (copies.empty()) co_return results;
        auto answers = co_await router_.send_all(
            std::move(copies),
            {at.room, std::static_pointer_cast<gateways::sms_router::holding>(std::move(at.at))});
        for (std::size_t i = 0; i < sent.size(); ++i) results[sent[i]] = std::move(answers[i]);
        co_return results;
    }
    std::vector<gateways::gateway_status> statuses() const override {
        auto all = router_.statuses();
        const auto news = signature_news(content_, settings_.signature, shanghai_day(clock_.now()));
        if (!news.empty())
            for (auto& s : all) s.detail += (s.detail.empty() ? "" : "; ") + news;
        return all;
    }
    asio::awaitable<gateways::send_result> acknowledge(std::string phone, std::string gateway) override {
        const auto body = std::make_shared<const gateways::sms_body>(sms_of({content_, settings_.signature},
                                                                            "", acknowledgement_words(),
                                                                            false, shanghai_day(clock_.now()))
                                                                         .body);
        if (!body->parts && body->parts.error().code == errc::refused)
            co_return without_signature(body->parts.error());
        co_return co_await router_.send_by(std::move(gateway), {std::move(phone), body});
    }
    std::uint32_t resend_within_s(std::string_view) const override { return 0; }
    void share(std::size_t mine, std::size_t of) override { router_.share(mine, of); }
    void heard(std::string_view message_id) override { router_.heard(message_id); }
    std::size_t batches() const override { return router_.batches(); }
    asio::awaitable<admission> admit() override {
        auto place = co_await router_.admit();
        co_return admission{place.room, std::move(place.held)};
    }

  private:
    gateways::sms_body body_of(const outgoing& m, std::int32_t today) const {
        return sms_of({content_, settings_.signature}, m.about->issuer,
                      round_words({m.kind, m.reminder}, *m.about, m.items, today, settings_.verify_hint,
                                  m.also.size()),
                      m.emergency, today)
            .body;
    }
    // Held: the recipient shall not lose a message because somebody has to file a signature.
    static gateways::send_result without_signature(const failure& why) {
        gateways::send_result r;
        r.outcome = gateways::send_outcome::stopped;
        r.code = no_signature;
        r.detail = why.text();
        r.retry_after = std::chrono::minutes(5);
        return r;
    }

    const clock& clock_;
    const sms_config& settings_;
    const sms_content& content_;
    gateways::sms_router router_;
};

} // namespace

std::unique_ptr<sender> make_sms_sender(asio::any_io_executor executor, const clock& c,
                                        const sms_config& settings, const sms_content& content,
                                        gateways::receipt_sink receipts, gateways::inbound_sink inbound,
                                        const gateways::code_table& codes) {
    return std::make_unique<sms_sender>(executor, c, settings, content, std::move(receipts),
                                        std::move(inbound), codes);
}

} // namespace zhida::dispatcher
