// What the simulated SMS clouds share: their accounts, what goes wrong on purpose, limits, and receipts.
#pragma once

#include "services/simulator/cloud_signature.hpp"
#include "services/simulator/cloud_sms_rules.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/inbound_parts.hpp"
#include "services/simulator/message_log.hpp"
#include "services/simulator/receipt_push.hpp"
#include "services/simulator/schedule.hpp"

#include "common/base/config.hpp"
#include "common/io/http_server.hpp"

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace zhida::simulator {

struct cloud_account {
    std::string name; // of the gateway in our settings
    access_key key;
    std::string app_id;          // Tencent's SmsSdkAppId
    std::string callback_secret; // empty: it wants no receipts pushed
};
// Those of our own settings that speak this protocol.
std::vector<cloud_account> cloud_accounts(const sms_config& sms, std::string_view protocol);

struct cloud_options {
    std::vector<cloud_account> accounts;
    std::string callback_base; // http://host:port of our portals; empty: receipts are not pushed
    std::map<std::string, std::string> templates; // by id, with ${name} (Aliyun) or {1} (Tencent); none: any
    std::set<std::string> signatures;             // none: any
    std::int64_t requests_per_s = 0;              // of one account; 0: any
    number_limits limits;                         // of one account, signature and number
    bool refuse_urls = true;                      // in variables
    milliseconds report_delay{200};               // from the answer to the receipt
    milliseconds hold{2000}; // at most, of a receipt that is out_of_order, and of an answer to an early one
    std::size_t push_batch = 100;
    std::vector<milliseconds> push_again{milliseconds(1'000), milliseconds(5'000), milliseconds(30'000),
                                         milliseconds(60'000), milliseconds(300'000)};
};

struct cloud_stats {
    std::int64_t requests = 0, accepted = 0;            // accepted: messages
    std::map<std::string, std::int64_t> refused;        // code: how often
    std::map<std::string, receipt_push_stats> receipts; // by account
    std::map<std::string, receipt_push_stats> replies;  // likewise: what people wrote back
};
json to_json(const cloud_stats& s);

// Member of one simulator, which owns the coroutines that use it. The clock, the log and the faults outlive
// it.
class cloud_service {
  public:
    // taken: see receipt_push_options; replies_alone: what people wrote back is pushed one by one.
    cloud_service(asio::any_io_executor executor, const clock& time, cloud_options options, message_log& log,
                  fault_table& faults, const std::string& taken, bool replies_alone);
    asio::awaitable<void> run(); // until stop()
    void stop();

    // Reads members of POST /sim/clouds: templates, signatures, requests_per_s, per_moment, per_hour,
    // per_day, report_delay_ms. Nothing is changed where there are errors.
    void configure(json_reader in);
    void set_callback_base(const std::string& base);

    std::vector<access_key> keys() const;
    const cloud_account& account(const std::string& key_id) const; // of one of keys()
    bool within_rate(const cloud_account& a) {
        return counts_.take(a.name, options.requests_per_s, time.now());
    }
    // What goes wrong with this recipient; a rule that does nothing where there is none.
    fault_rule fault(const cloud_account& a, const std::string& phone);
    asio::awaitable<void> answer_late(const std::vector<fault_rule>& faults); // delay and jitter, the longest
    asio::awaitable<void> nap(milliseconds duration);                         // ends early on stop()
    // The receipt of one message as the fault wants it; make is called for each copy when its time has come.
    void report(const cloud_account& a, const fault_rule& f, std::function<json(bool success)> make);
    // What somebody wrote to the number of m.account, a gateway's name; empty: of the first that wants to
    // hear it. m.to is the extension. Failure invalid: nobody wants to.
    result<void> reply(const inbound_message& m, json push);
    // Until early receipts are there.
    asio::awaitable<void> after_early_receipts(const cloud_account& a);
    result<void> record(message m);
    cloud_stats stats() const;

    const clock& time;
    cloud_options options;
    message_log& log;
    number_counts numbers;
    cloud_stats counters;

  private:
    std::int64_t spread(std::int64_t jitter) {
        return jitter <= 0 ? 0
                           : static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(jitter + 1));
    }
    asio::any_io_executor executor_;
    fault_table& faults_;
    schedule later_;
    std::map<std::string, receipt_push> pushes_, replies_; // by the account's name
    std::size_t pushing_ = 0;
    gateways::wake_up ended_;
    second_counts counts_;
    std::mt19937 random_;
    bool stopping_ = false;
};

} // namespace zhida::simulator
