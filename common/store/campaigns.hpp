// Campaigns and their counts. Counts are summed over the shards' counters, which change in the same call as
// the ledger.
#pragma once

#include "common/io/redis.hpp"
#include "common/model/campaign.hpp"

#include <map>
#include <utility>

namespace zhida::store {

namespace asio = boost::asio;

struct item_verdicts {
    std::int64_t eligible = 0, possible = 0, one_short = 0;
};

struct campaign_progress {
    campaign about;
    std::int64_t audience = 0; // subjects in it; 0 too while no shard has been matched
    std::vector<channel_progress> channels;
    std::vector<item_verdicts> items; // by item index of the policy
};

class campaigns {
  public:
    campaigns(io::redis& r, int shards) : redis_(r), shards_(shards) {}
    // Keeps the first; repeating it changes nothing.
    asio::awaitable<result<void>> put(const campaign& c);
    asio::awaitable<result<campaign>> get(std::string id); // not_found
    // Writes the campaign, with a revision one higher than the one it was read with. conflict: somebody else
    // changed it since. Returns it as it is now.
    asio::awaitable<result<campaign>> change(campaign c);
    // From zhida.campaign: kept unless it is here in this revision or a later one.
    asio::awaitable<result<void>> restore(const campaign& c);
    // Below it everything in zhida.campaign is here: what a Redis that lost its last writes has lost of it.
    asio::awaitable<result<std::int64_t>> place();
    asio::awaitable<result<void>> keep_place(std::int64_t next);
    // Those that the scheduler has something to do for: all that are not final, and those whose end is not
    // carried out yet.
    asio::awaitable<result<std::vector<campaign>>> open();
    asio::awaitable<result<void>> close(std::string id); // its end is carried out
    asio::awaitable<result<void>> reopen(std::string id);
    asio::awaitable<result<std::vector<campaign>>> list(std::size_t limit,
                                                        std::int64_t before_ms = 0); // newest first
    asio::awaitable<result<campaign_progress>> progress(std::string id, std::size_t items);
    // Counts by shard and channel, of all channels of the campaign.
    asio::awaitable<result<std::map<std::pair<int, channel>, state_counts>>> progress_of_shards(campaign c);
    // Newest first, without item verdicts.
    asio::awaitable<result<std::vector<campaign_progress>>> progress_of(std::vector<campaign> of);

  private:
    io::redis& redis_;
    int shards_;
};

} // namespace zhida::store
