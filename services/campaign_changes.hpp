// What is done to campaigns, by people and by the scheduler: checked, kept, told to every shard and written
// into zhida.campaign before it is acknowledged.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/model/campaign_life.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/ledger.hpp"

#include <string>

namespace zhida {

// What zhida.campaign has of a campaign after each change, its making included.
io::log_message campaign_message(const campaign& c, wall_time now);
// Tells every shard, where the campaign's state is one that claims must know of.
boost::asio::awaitable<result<void>> tell_shards(store::ledgers& ledgers, const campaign& c, int shards);

class campaign_changes {
  public:
    // References must outlive it.
    campaign_changes(io::event_log& log, store::campaigns& campaigns, store::ledgers& ledgers,
                     const clock& time, int shards)
        : log_(log), campaigns_(campaigns), ledgers_(ledgers), time_(time), shards_(shards) {}

    // Failures of zhida::apply, and conflict where somebody else changed it at the same time. After the
    // answer to pause, cancel and withdraw nothing more is claimed.
    boost::asio::awaitable<result<campaign>> act(std::string id, campaign_action action, actor by,
                                                 std::string note);
    // A change that was decided already.
    boost::asio::awaitable<result<campaign>> keep(campaign changed);
    // A further round, for those recipients of `base`, with the next free number: interpretation, deadline or
    // retry (of the failed, whatever `only` says). An equal one that is not over is returned instead. invalid
    // where there is none such.
    boost::asio::awaitable<result<campaign>> further_round(const campaign& base, std::string kind,
                                                           campaign_recipients only, actor by);
    // A round that goes to these subjects alone, marked as a test, on the channels but the web: it asks for
    // no approval and passes over no refusal, no night and no disclosure. conflict: the campaign has ended or
    // expired, has no such channel, or was tested too often. The campaign's history says who did it.
    boost::asio::awaitable<result<campaign>> test_round(const campaign& base,
                                                        std::vector<chosen_subject> chosen, actor by);
    // The round that tells those whom a withdrawn campaign reached that it does not hold: one, however often
    // it is asked for, and none on the web.
    boost::asio::awaitable<result<void>> correct(const campaign& withdrawn);

    // A round whose id says which one it is, as a reminder's: false where it was there already.
    boost::asio::awaitable<result<bool>> make_once(campaign c);

    // Every shard and the log, of a change that is kept: again where whoever kept it may not have come to it.
    boost::asio::awaitable<result<void>> tell(const campaign& c);

  private:
    boost::asio::awaitable<result<campaign>> add_round(campaign c);
    boost::asio::awaitable<result<void>> remark(std::string id, campaign_action what, actor by,
                                                std::string note);

    io::event_log& log_;
    store::campaigns& campaigns_;
    store::ledgers& ledgers_;
    const clock& time_;
    int shards_;
};

} // namespace zhida
