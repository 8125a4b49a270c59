// The scheduler: hands out the dispatch records of campaigns that run, again when what was held falls due,
// and again where the ledger shows work that no record carries; starts and ends campaigns. One of all
// processes is active at a time, by a lease. Two at once do no harm: what they hand out twice is claimed
// once, and a campaign's state changes by compare and swap.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/metrics.hpp"
#include "common/io/event_log.hpp"
#include "common/io/redis.hpp"
#include "common/store/audit.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/ledger.hpp"
#include "common/store/policies.hpp"
#include "matching/catalogue.hpp"
#include "services/campaign_changes.hpp"
#include "services/scheduler/campaign_news.hpp"
#include "services/scheduler/reminding.hpp"
#include "services/scheduler/routing.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace zhida::scheduler {

namespace asio = boost::asio;

// Why a campaign is cancelled that did not begin or must not go on; in its history, for people.
inline constexpr const char *expired_early = "到期时尚未开始推送", *expired_paused = "到期时仍处于暂停",
                            *rests_on_nothing = "原任务已撤回";

class scheduler {
  public:
    scheduler(asio::any_io_executor executor, const config& c, const matching::catalogue& catalogue,
              const workdays& days, const clock& clock, metrics& meters);
    asio::awaitable<void> run(); // until stop()
    void stop();

  private:
    // What the active one knows of a campaign that runs.
    struct running {
        // By shard and channel: everything that was handed out lies before this offset of the dispatch topic.
        struct handed_out {
            std::int64_t before = 0;
            bool by_us = false;            // what is owed beyond it is a gap
            steady_time gaps_wait_until{}; // the longer, the more often they were handed out in vain
            int in_vain = 0;
        };
        std::map<std::pair<int, channel>, handed_out> handed;
        steady_time next_look{}, next_routing{};
        bool begun_by_us = false;
        bool looked = false; // since we became active, or it went on
    };

    std::int64_t now_ms() const noexcept { return clock_.now().time_since_epoch().count(); }
    void forget(); // what may not hold any more: another scheduler, or another Redis, was there meanwhile
    // A change of ours, told to everybody.
    asio::awaitable<result<campaign>> keep(campaign changed);
    // Tells every shard and the log, once a revision: whoever changed it may have ended before he did.
    asio::awaitable<result<void>> tell(const campaign& c);
    asio::awaitable<result<bool>> turn(); // true: something waits to begin
    asio::awaitable<result<void>>
    reopen(); // what may have something to do, whatever the list of open ones says
    // True: it waits for its audience, which comes at any moment.
    asio::awaitable<result<bool>> begin(campaign c);
    asio::awaitable<result<void>> cancel(campaign c, const char* why);
    // Whether a round that it follows, or one that this one follows, was withdrawn. Corrections follow none.
    asio::awaitable<result<bool>> rests_on_withdrawn(campaign c);
    asio::awaitable<result<void>> cancel_groundless(); // what rests on a withdrawn round and is open
    asio::awaitable<result<void>> start(campaign c);
    // Why a second person must approve it; empty: nobody need.
    asio::awaitable<result<std::vector<approval_reason>>> reasons_to_ask(const campaign& c,
                                                                         std::int64_t audience);
    // Of a further round, in these shards: the audience of the round it is based on, or those of it whom it
    // is for.
    asio::awaitable<result<void>> freeze_from_base(const campaign& c, std::vector<int> in);
    // Which item of its policy a reminder is about.
    asio::awaitable<result<std::uint16_t>> item_bit(const campaign& c);
    // Of a test: the chosen subjects, with every item of the policy.
    asio::awaitable<result<void>> freeze_chosen(const campaign& c, std::vector<int> in);
    asio::awaitable<result<void>> freeze(frozen_audience part);
    // By position in the campaign's audience: who wants its channels in another order.
    asio::awaitable<result<std::map<std::uint32_t, channel_order>>> preferred_orders(const campaign& c,
                                                                                     int shard);
    // Lets the next channel have its turn, where the channels of the campaign follow one another.
    asio::awaitable<result<void>> route_channels(const campaign& c, running& r);
    asio::awaitable<result<void>> carry(campaign c);
    asio::awaitable<result<void>> remark_override(campaign c); // before anything goes out
    asio::awaitable<result<void>> look_for_work(const campaign& c, running& r);
    asio::awaitable<result<void>> end_what_is_over(const campaign& c);
    asio::awaitable<result<void>> release_due();
    // Of all campaigns, ended ones too: what waits for a receipt that will not come.
    asio::awaitable<result<void>> give_up_receipts();
    asio::awaitable<result<void>> give_up_receipts(const campaign& c);
    asio::awaitable<result<void>> hand_out(const campaign& c,
                                           std::vector<std::pair<int, store::ledgers::due_chunk>> chunks);
    // Ends what is not settled of every channel: queued and held become `to`, and unknown where a gateway may
    // have the message. So does what is claimed still when its owner must be gone. Returns how many are under
    // way.
    asio::awaitable<result<std::int64_t>> end_deliveries(const campaign& c, ledger::record to);

    asio::awaitable<result<void>> write(const campaign& c, int shard, channel via, std::string kind,
                                        std::vector<store::change> changes);

    asio::any_io_executor executor_;
    const config& config_;
    const matching::catalogue& catalogue_;
    const clock& clock_;
    const int shards_;
    bool stopping_ = false, active_ = false;
    std::string instance_;
    io::redis redis_;
    std::unique_ptr<io::event_log> log_;
    store::ledgers ledgers_;
    store::campaigns campaigns_;
    store::policies policies_;
    store::consents consents_;
    campaign_changes changes_;
    std::string server_; // run id of the Redis that was looked at last
    reminding reminding_;
    campaign_news news_;
    std::map<std::string, running> running_;
    std::map<std::string, std::int64_t> told_; // revision, of what is open
    std::map<std::string, campaign> known_;    // those of the last look that run
    std::set<std::string> all_heard_of_;       // over, and nothing of them waits for a receipt
    steady_time next_receipts_{};

    prometheus::Counter& handed_out_;
    prometheus::Counter& gaps_;
    prometheus::Counter& quiet_overrides_;
    prometheus::Gauge& active_gauge_;
};

} // namespace zhida::scheduler
