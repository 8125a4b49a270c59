// What the clients of the clouds have in common: an account's pace, stop, state and counters, its requests.
// One thread.
#pragma once

#include "common/base/config.hpp"
#include "common/io/http_client.hpp"
#include "common/io/mutex.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/cloud_call.hpp"
#include "services/gateways/cloud_reaction.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/gateways/sms_gateway.hpp"
#include "services/gateways/wake_up.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zhida::gateways {

// Tests make them shorter.
struct cloud_times {
    std::array<milliseconds, 3> ask_after{milliseconds(2000), milliseconds(5000), milliseconds(10'000)};
    milliseconds pull_every{10'000};
};

struct cloud_vendor {
    const char* protocol; // "Aliyun"
    const char* key;      // "aliyun": of sms_body::template_ids, and before each of its codes
    const char* base_url; // where the account names none
};

// Messages that are sent in one call, and the coroutine that waits for all of them.
struct cloud_submission {
    cloud_submission(asio::any_io_executor ex, std::vector<sms_copy> copies, steady_time until)
        : messages(std::move(copies)), results(messages.size()), left(messages.size()), done(ex),
          give_up_at(until) {}

    std::vector<sms_copy> messages; // phones of 11 digits, once they are checked
    std::vector<send_result> results;
    std::size_t left; // messages without a result
    wake_up done;
    steady_time give_up_at; // not sent by then: the caller tries again later

    const sms_body& body(std::size_t i) const { return *messages[i].body; }
    std::size_t parts(std::size_t i) const { // that the network will bill
        const auto& p = body(i).parts;
        return p && !p->empty() ? p->size() : 1;
    }
    void settle(std::size_t i, send_result r) { // once for each
        results[i] = std::move(r);
        if (--left == 0) done.notify();
    }
};
using cloud_indices = std::vector<std::size_t>; // of a submission's messages

struct cloud_reply {
    enum class kind : std::uint8_t {
        answered,  // with status and body, by whomever
        not_sent,  // nothing can have happened
        no_answer, // it may have been taken
    };
    kind is = kind::not_sent;
    int status = 0;
    std::string body, why;
};

send_result cloud_result(send_outcome outcome, std::string code, std::string detail,
                         milliseconds retry_after = milliseconds(0));
// What a vendor says, fit for logs: no numbers of people, not long.
std::string fit_for_logs(std::string_view said);

class cloud_core : public std::enable_shared_from_this<cloud_core> {
  public:
    using slot = std::optional<io::mutex::guard>;

    cloud_core(asio::any_io_executor ex, const clock& c, sms_gateway_config s, cloud_vendor v, cloud_times t,
               own_codes own);
    virtual ~cloud_core() = default;
    cloud_core(const cloud_core&) = delete;
    cloud_core& operator=(const cloud_core&) = delete;

    // How the messages are put into requests.
    virtual std::vector<cloud_indices> plan(const cloud_submission& all, const cloud_indices& which) = 0;
    // One request, and what follows from its answer; settles each. `place` may be given back early. The
    // caller holds the core until it ends.
    virtual asio::awaitable<void> send(std::shared_ptr<cloud_submission> all, cloud_indices which,
                                       slot place) = 0;
    // What is to be done besides sending, until `stopping`.
    virtual asio::awaitable<void> attend() { co_return; }

    asio::any_io_executor executor;
    const clock& time;
    const sms_gateway_config settings;
    const cloud_vendor vendor;
    const cloud_times times;
    const own_codes codes;
    wire::throttle flow;
    wire::part_rate rate;
    channel_stop stop;
    gateway_status counters; // only its counters
    bool stopping = false;
    steady_time stop_by{};
    std::size_t running = 0; // coroutines that run() waits for
    std::size_t waiting = 0; // parts that have not had their turn
    wake_up woken;           // run(): stopping, or one of them has ended

    // Checks the messages; those that cannot be sent are settled. The others, in requests, are sent.
    void start(const std::shared_ptr<cloud_submission>& all);
    std::optional<send_result> refusal() const; // of every message
    // Requests for the same text (`key`), of at most so many numbers, none of them twice.
    static std::vector<cloud_indices> grouped(const cloud_submission& all, const cloud_indices& which,
                                              const std::function<std::string(const sms_body&)>& key,
                                              const std::function<std::size_t(const sms_body&)>& most);
    // Waits until the first may go by the account's rate; how many may go with it, 0: not any more.
    asio::awaitable<std::size_t> take_turn(std::shared_ptr<cloud_submission> all, cloud_indices which);
    send_result no_turn() const;

    // `question`: nothing is sent by it, so that its answer is not waited for long.
    asio::awaitable<cloud_reply> ask(cloud_call call, bool question = false);
    // Of each message of the request, where no answer of the vendor's came.
    send_result without_answer(const cloud_reply& reply, const std::string& why_unreadable);
    // An answer came, with this code.
    send_result react(const cloud_reaction& r, const std::string& code, const std::string& said);
    void answered() { enter("connected", ""); }
    // Returns early when stopping.
    asio::awaitable<void> pause(milliseconds how_long);
    void alarm(const std::string& code, const std::string& what);
    void count(const send_result& r);

    gateway_status status();
    void close();
    const std::string& template_id(const sms_body& b) const { return b.template_ids.at(vendor.key); }
    const std::string& base_url() const noexcept { return base_url_; }

  private:
    static asio::awaitable<void> run_request(std::shared_ptr<cloud_core> self,
                                             std::shared_ptr<cloud_submission> all, cloud_indices which);
    void enter(const char* new_state, std::string why);

    const std::string base_url_;
    io::http_client http_, questions_;
    io::mutex places_, turns_;
    std::string state_ = "connecting", last_error_;
    wall_time since_{};
    bool was_stopped_ = false;
    std::map<std::string, wall_time> alarmed_;
};

} // namespace zhida::gateways
