#include "services/gateways/tencent_client.hpp"

#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "services/gateways/cloud_receipts.hpp"
#include "services/gateways/tencent_codes.hpp"
#include "services/gateways/tencent_request.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

std::string key_of(const sms_body& b) {
    std::string out = b.signature + '\0' + b.extension + '\0' + b.template_ids.at("tencent");
    for (const auto& [name, value] : b.variables) out += '\0' + value;
    return out;
}

class tencent_core final : public cloud_core {
  public:
    tencent_core(asio::any_io_executor ex, const clock& c, sms_gateway_config s, receipt_sink to,
                 cloud_times t, own_codes own)
        : cloud_core(ex, c, std::move(s), {"Tencent", "tencent", "https://sms.tencentcloudapi.com"}, t,
                     std::move(own)),
          sink_(std::move(to)), account_{settings.access_key, settings.secret, host_of(base_url()),
                                         settings.region, settings.app_id} {}

    std::vector<cloud_indices> plan(const cloud_submission& all, const cloud_indices& which) override {
        return grouped(all, which, key_of, [](const sms_body&) { return tencent::most_numbers; });
    }
    asio::awaitable<void> send(std::shared_ptr<cloud_submission> all, cloud_indices which,
                               slot place) override;
    asio::awaitable<void> attend() override;

  private:
    asio::awaitable<bool> pull(); // there may be more
    asio::awaitable<void> hand_over(std::vector<receipt> some);

    receipt_sink sink_;
    const tencent::account account_;
};

asio::awaitable<void> tencent_core::send(std::shared_ptr<cloud_submission> all, cloud_indices which,
                                         slot place) {
    const auto& body = all->body(which.front());
    std::vector<std::string> phones;
    for (const auto i : which) phones.push_back(all->messages[i].phone);
    const auto reply = co_await ask(tencent::send_sms(account_, time.now(), body, template_id(body), phones));
    place.reset();
    auto answer = reply.is == cloud_reply::kind::answered
                      ? tencent::read_answer(reply.body)
                      : result<tencent::answer>(failure{errc::unavailable, reply.why, "", ""});
    if (!answer || (answer->Code.empty() && answer->sent_to.empty())) {
        const auto r =
            without_answer(reply, answer ? "an answer without the numbers" : answer.error().text());
        for (const auto i : which) all->settle(i, r);
        co_return;
    }
    answered();
    if (!answer->Code.empty()) {
        const auto r = react(*codes.of_answer(answer->Code, &tencent::reaction_to(answer->Code)),
                             answer->Code, answer->Message);
        for (const auto i : which) all->settle(i, r);
        co_return;
    }
    std::map<std::string_view, const tencent::sent*> by_phone; // none is twice in one request
    for (const auto& s : answer->sent_to) by_phone.emplace(s.phone, &s);
    for (const auto i : which) {
        const auto found = by_phone.find(all->messages[i].phone);
        if (found == by_phone.end()) {
            const auto* why = "the answer does not name this number";
            alarm("local:not_named", why);
            all->settle(i, cloud_result(send_outcome::unknown, "local:not_named", why));
            continue;
        }
        const auto& s = *found->second;
        auto r = react(*codes.of_answer(s.Code, &tencent::reaction_to(s.Code)), s.Code, s.Message);
        if (r.outcome == send_outcome::accepted) r.message_ids = {s.SerialNo};
        all->settle(i, std::move(r));
    }
}

asio::awaitable<void> tencent_core::attend() {
    if (!settings.callback_secret.empty()) co_return;
    while (!stopping) {
        co_await pause(times.pull_every);
        while (!stopping && co_await pull()) {
        }
    }
}

asio::awaitable<bool> tencent_core::pull() {
    const auto reply = co_await ask(tencent::pull_send_status(account_, time.now()), true);
    if (reply.is != cloud_reply::kind::answered) co_return false;
    const auto answer = tencent::read_answer(reply.body);
    if (!answer || !answer->Code.empty() || !answer->statuses.is_array()) {
        alarm("PullSmsSendStatus",
              "HTTP " + std::to_string(reply.status) + " " +
                  fit_for_logs(answer ? answer->Code + " " + answer->Message : answer.error().text()));
        co_return false;
    }
    answered();
    auto got = read_pulled_receipts(answer->statuses, settings.name, time.now(), codes);
    if (!got.wrong.empty())
        alarm("receipts", std::to_string(got.wrong.size()) +
                              " receipts cannot be read, the first: " + got.wrong.front().text());
    const bool full = answer->statuses.size() >= static_cast<std::size_t>(tencent::most_pulled);
    if (!got.receipts.empty()) co_await hand_over(std::move(got.receipts));
    co_return full;
}

asio::awaitable<void> tencent_core::hand_over(std::vector<receipt> some) {
    const auto n = static_cast<std::int64_t>(some.size());
    for (milliseconds wait{200};; wait = std::min(wait * 2, milliseconds(5000))) {
        if (co_await sink_(some)) {
            counters.receipts += n;
            co_return;
        }
        if (stopping && time.steady_now() >= stop_by) break;
        co_await io::sleep_for(time, stopping ? milliseconds(200) : wait);
    }
    log::error("sms_receipts_lost", {{"gateway", settings.name},
                                     {"receipts", n},
                                     {"what", "fetched, and not kept before the process had to end"}});
}

} // namespace

tencent_client::tencent_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                               receipt_sink sink, cloud_times times, own_codes codes)
    : cloud_client(std::make_shared<tencent_core>(executor, time, std::move(settings), std::move(sink), times,
                                                  std::move(codes))) {}

} // namespace zhida::gateways
