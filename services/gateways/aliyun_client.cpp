#include "services/gateways/aliyun_client.hpp"

#include "common/base/crypto.hpp"
#include "services/gateways/aliyun_codes.hpp"
#include "services/gateways/aliyun_request.hpp"
#include "services/gateways/cloud_receipts.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

constexpr int most_halvings = 64;        // requests to find a number at fault
constexpr std::size_t few = 10;          // of the same text: they go into a batch with others
constexpr std::size_t asked_numbers = 3; // of a request in doubt

// All that tells one SendSms from another.
std::string key_of(const sms_body& b) {
    std::string out = b.signature + '\0' + b.extension + '\0' + b.template_ids.at("aliyun");
    for (const auto& [name, value] : b.variables) out += '\0' + name + '\0' + value;
    return out;
}

class aliyun_core final : public cloud_core {
  public:
    aliyun_core(asio::any_io_executor ex, const clock& c, sms_gateway_config s, cloud_times t, own_codes own)
        : cloud_core(ex, c, std::move(s), {"Aliyun", "aliyun", "https://dysmsapi.aliyuncs.com"}, t,
                     std::move(own)),
          account_{settings.access_key, settings.secret, host_of(base_url())} {}

    std::vector<cloud_indices> plan(const cloud_submission& all, const cloud_indices& which) override;
    asio::awaitable<void> send(std::shared_ptr<cloud_submission> all, cloud_indices which,
                               slot place) override;

  private:
    struct doubt {
        cloud_indices which;
        std::string out_id;
        wall_time sent_at;
        send_result why;
    };
    enum class finding : std::uint8_t { taken, not_there, unclear, silent };

    aliyun::stamp stamp() const { return {time.now(), crypto::hex(crypto::random_bytes(16))}; }
    cloud_call call_of(const cloud_submission& all, const cloud_indices& which,
                       const std::string& out_id) const;
    void settle(cloud_submission& all, const cloud_indices& which, const std::string& out_id,
                const send_result& r) const;
    asio::awaitable<void> resolve(std::shared_ptr<cloud_submission> all, doubt d);
    asio::awaitable<finding> look_for(std::shared_ptr<cloud_submission> all, const doubt& d);
    asio::awaitable<finding> look_for_one(std::string phone, std::int32_t day, std::string out_id);

    const aliyun::account account_;
};

std::vector<cloud_indices> aliyun_core::plan(const cloud_submission& all, const cloud_indices& which) {
    auto same = grouped(all, which, key_of,
                        [this](const sms_body& b) { return aliyun::numbers_of_send_sms(b, template_id(b)); });
    cloud_indices rest;
    std::erase_if(same, [&](const cloud_indices& request) {
        if (request.size() >= few) return false;
        rest.insert(rest.end(), request.begin(), request.end());
        return true;
    });
    for (auto& batch : grouped(
             all, rest, [this](const sms_body& b) { return template_id(b); },
             [](const sms_body&) { return aliyun::most_batch; }))
        same.push_back(std::move(batch));
    return same;
}

cloud_call aliyun_core::call_of(const cloud_submission& all, const cloud_indices& which,
                                const std::string& out_id) const {
    const auto& first = all.body(which.front());
    const auto key = key_of(first);
    if (std::all_of(which.begin(), which.end(),
                    [&](std::size_t i) { return &all.body(i) == &first || key_of(all.body(i)) == key; })) {
        std::vector<std::string> phones;
        for (const auto i : which) phones.push_back(all.messages[i].phone);
        return aliyun::send_sms(account_, stamp(), first, template_id(first), phones, out_id);
    }
    std::vector<aliyun::addressed> messages;
    for (const auto i : which) messages.push_back({all.messages[i].phone, &all.body(i)});
    return aliyun::send_batch_sms(account_, stamp(), template_id(first), messages, out_id);
}

void aliyun_core::settle(cloud_submission& all, const cloud_indices& which, const std::string& out_id,
                         const send_result& r) const {
    for (const auto i : which) {
        auto own = r;
        if (r.outcome == send_outcome::accepted || r.outcome == send_outcome::unknown)
            own.message_ids = {aliyun_message_id(out_id, all.messages[i].phone, settings.secret)};
        all.settle(i, std::move(own));
    }
}

asio::awaitable<void> aliyun_core::send(std::shared_ptr<cloud_submission> all, cloud_indices which,
                                        slot place) {
    std::vector<doubt> doubts;
    std::vector<cloud_indices> todo;
    todo.push_back(std::move(which));
    for (int requests = 1; !todo.empty(); ++requests) {
        auto some = std::move(todo.back());
        todo.pop_back();
        if (requests > 1) { // the first has had its turn
            if (requests > most_halvings) {
                settle(*all, some, "",
                       cloud_result(send_outcome::retry, "local:halved",
                                    "which number is at fault was not found in time", milliseconds(60'000)));
                continue;
            }
            const auto n = co_await take_turn(all, some);
            if (n == 0) {
                settle(*all, some, "", no_turn());
                continue;
            }
            if (n < some.size()) {
                todo.emplace_back(some.begin() + static_cast<std::ptrdiff_t>(n), some.end());
                some.resize(n);
            }
        }
        const auto out_id = new_out_id();
        const auto sent_at = time.now();
        const auto reply = co_await ask(call_of(*all, some, out_id));
        auto answer = reply.is == cloud_reply::kind::answered
                          ? aliyun::read_answer(reply.body)
                          : result<aliyun::answer>(failure{errc::unavailable, reply.why, "", ""});
        send_result r;
        if (answer) {
            answered();
            const auto& reaction = *codes.of_answer(answer->Code, &aliyun::reaction_to(answer->Code));
            if (reaction.one_number && some.size() > 1) {
                const auto half = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
                todo.emplace_back(half, some.end());
                todo.emplace_back(some.begin(), half);
                continue;
            }
            r = react(reaction, answer->Code, answer->Message);
        } else {
            r = without_answer(reply, answer.error().text());
        }
        if (r.outcome == send_outcome::unknown)
            doubts.push_back({std::move(some), out_id, sent_at, std::move(r)});
        else
            settle(*all, some, out_id, r);
    }
    place.reset();
    for (auto& d : doubts) co_await resolve(all, std::move(d));
}

asio::awaitable<void> aliyun_core::resolve(std::shared_ptr<cloud_submission> all, doubt d) {
    int missed = 0;
    for (const auto after : times.ask_after) {
        co_await pause(after);
        if (stopping) break;
        const auto found = co_await look_for(all, d);
        if (found == finding::silent) break;
        if (found == finding::taken) {
            send_result taken;
            taken.outcome = send_outcome::accepted;
            taken.detail = "found by QuerySendDetails: " + d.why.code;
            settle(*all, d.which, d.out_id, taken);
            co_return;
        }
        missed = found == finding::not_there ? missed + 1 : 0;
        if (missed < 2) continue;
        settle(*all, d.which, d.out_id,
               cloud_result(send_outcome::retry, "local:not_taken",
                            "not found by QuerySendDetails: " + d.why.code + " " + d.why.detail,
                            milliseconds(5000)));
        co_return;
    }
    settle(*all, d.which, d.out_id, d.why);
}

// All numbers of a request share its fate, so a few of them are enough.
asio::awaitable<aliyun_core::finding> aliyun_core::look_for(std::shared_ptr<cloud_submission> all,
                                                            const doubt& d) {
    // Near midnight it is not sure by which day the vendor has counted.
    constexpr std::int32_t minutes_a_day = 1440, near = 5;
    const auto of_day = minutes_of_shanghai_day(d.sent_at);
    bool sure = of_day >= near && of_day < minutes_a_day - near;
    const auto step = std::max<std::size_t>(1, d.which.size() / asked_numbers);
    for (std::size_t n = 0, at = 0; n < asked_numbers && at < d.which.size(); ++n, at += step) {
        const auto found =
            co_await look_for_one(all->messages[d.which[at]].phone, shanghai_day(d.sent_at), d.out_id);
        if (found == finding::taken || found == finding::silent) co_return found;
        sure = sure && found == finding::not_there;
    }
    co_return sure ? finding::not_there : finding::unclear;
}

asio::awaitable<aliyun_core::finding> aliyun_core::look_for_one(std::string phone, std::int32_t day,
                                                                std::string out_id) {
    const auto reply = co_await ask(aliyun::query_send_details(account_, stamp(), phone, day), true);
    if (reply.is == cloud_reply::kind::no_answer) co_return finding::silent;
    if (reply.is != cloud_reply::kind::answered) co_return finding::unclear;
    const auto details = aliyun::read_send_details(reply.body);
    if (!details) co_return finding::unclear;
    answered();
    const auto& ids = details->out_ids;
    if (std::find(ids.begin(), ids.end(), out_id) != ids.end()) co_return finding::taken;
    co_return details->whole ? finding::not_there : finding::unclear;
}

} // namespace

aliyun_client::aliyun_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                             receipt_sink, cloud_times times, own_codes codes)
    : cloud_client(
          std::make_shared<aliyun_core>(executor, time, std::move(settings), times, std::move(codes))) {}

} // namespace zhida::gateways
