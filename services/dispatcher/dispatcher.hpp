// The dispatcher: owns shards per channel by assignment of zhida.dispatch.<channel>. A chunk's offset is
// stored when nothing of it can be done now: the ledger says what is left, and the scheduler hands that out
// again. What is urgent goes before what is not (lanes.hpp).
#pragma once

#include "common/base/metrics.hpp"
#include "common/model/sms_content.hpp"
#include "common/store/gateway_states.hpp"
#include "services/dispatcher/chunk.hpp"
#include "services/dispatcher/receipt_worker.hpp"
#include "services/gateways/code_table.hpp"
#include "services/inbound_intake.hpp"
#include "services/receipt_intake.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace zhida::dispatcher {

class dispatcher {
  public:
    // References outlive it.
    dispatcher(asio::any_io_executor executor, const config& c, const sms_content& content,
               const clock& clock, const crypto::sealer& sealer, metrics& meters,
               std::vector<channel> channels, gateways::code_table codes = {});
    ~dispatcher();
    // Until stop(); then what is under way is finished and the offsets are stored.
    asio::awaitable<void> run();
    void stop();

  private:
    struct waiting_chunk {
        chunk of;
        std::int64_t offset = 0;
        std::int64_t turn_ms = 0; // the lower, the sooner
    };
    // One shard of one channel, while it is ours.
    struct ownership {
        std::uint32_t epoch = 0;
        std::shared_ptr<bool> owned = std::make_shared<bool>(true);
        std::shared_ptr<std::string> server = std::make_shared<std::string>();
        bool busy = false, paused = false;
        std::deque<waiting_chunk> waiting;
        std::set<std::int64_t> open; // offsets that were read and are not done
        std::int64_t next = 0;       // after the last one that was read
        int read_since_gain = 0;
    };
    struct lane {
        channel via = channel::web;
        std::unique_ptr<sender> gateway; // null for web
        struct shown {
            prometheus::Gauge *circuit_open, *stopped;
        };
        std::map<std::string, shown> gauges; // by the gateway's name
        std::unique_ptr<io::log_consumer> consumer;
        std::map<int, ownership> shards;
        // Wakes workers that found nothing to do.
        asio::experimental::channel<asio::any_io_executor, void(boost::system::error_code)> work_there;
        std::size_t most_workers;
        int workers = 0, idle = 0;
        bool gateway_up = false;
        lane(channel c, asio::any_io_executor executor, std::size_t workers_at_most)
            : via(c), work_there(executor, workers_at_most), most_workers(workers_at_most) {}
    };

    void start(asio::awaitable<void> work);
    void must(bool done) const;
    asio::awaitable<void> follow(lane& l);
    asio::awaitable<void> keep_up(lane& l);
    asio::awaitable<void> work(lane& l);
    asio::awaitable<void> handle(lane& l, int shard);
    asio::awaitable<bool> accept_chunk(lane& l, io::log_record record);
    static ownership* next_shard(lane& l, int& shard);
    std::vector<waiting_chunk> take_group(ownership& o) const;
    static bool more_urgent(const lane& l, int shard, campaign_urgency than);
    static void done_with(lane& l, int shard, std::int64_t offset);
    asio::awaitable<bool> gain(lane& l, std::vector<io::topic_partition> partitions);
    asio::awaitable<void> lose(lane& l, std::vector<io::topic_partition> partitions);
    // Tells the gateway how much of its account's rate is ours.
    void share(lane& l) const;
    asio::awaitable<void> watch();
    // Tells numbers that opted out by SMS that it was heard.
    asio::awaitable<void> acknowledge(lane& l);
    asio::awaitable<void> acknowledge_some(lane& l);
    asio::awaitable<bool> bury_record(io::log_record record, std::vector<failure> errors);
    std::unique_ptr<sender> make_sender(channel via, metrics& meters);

    asio::any_io_executor executor_;
    const config& config_;
    const sms_content& sms_content_;
    const gateways::code_table sms_codes_;
    const clock& clock_;
    const crypto::sealer& sealer_;
    const std::string process_; // by which the gateways' states tell it from other dispatchers
    bool stopping_ = false;
    std::exception_ptr failed_; // what ended a coroutine that nobody waits for: the role ends with it
    io::redis redis_;
    std::unique_ptr<io::event_log> log_;
    store::ledgers ledgers_;
    store::gateway_states gateway_states_;
    store::messages messages_;
    store::consents consents_;
    store::number_marks marks_;
    store::wechat_addresses addresses_;
    store::campaigns campaigns_;
    store::policies policies_;
    ledger_replay replay_;
    deliverer deliverer_;
    receipt_intake intake_;
    inbound_intake inbound_;
    store::acknowledgements acknowledgements_;
    bool acknowledging_ = false;
    receipt_worker receipts_;
    std::vector<std::unique_ptr<lane>> lanes_;

    prometheus::Counter& chunks_done_;
    prometheus::Counter& events_buried_;
};

} // namespace zhida::dispatcher
