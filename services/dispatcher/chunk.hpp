// Carries one chunk of a campaign to its end: decide, claim, send, record, until every delivery of it is
// settled.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/io/event_log.hpp"
#include "common/io/mutex.hpp"
#include "common/store/audit.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/ledger.hpp"
#include "common/store/policies.hpp"
#include "services/dispatcher/sender.hpp"

#include <map>
#include <memory>

namespace zhida::dispatcher {

struct chunk {
    std::string campaign;
    int shard = 0;
    channel via = channel::web;
    std::uint32_t first = 0, count = 0;
};
// The data of a dispatch event; every error with its pointer.
result<chunk> read_chunk(const json& data, std::vector<failure>& errors);

// What all chunks of a process share. References outlive every chunk.
struct deliverer {
    const config& settings;
    const clock& time;
    const crypto::sealer& sealer;
    io::event_log& log;
    store::ledgers& ledgers;
    store::messages& messages;
    store::consents& consents;
    store::campaigns& campaigns;
    store::policies& policies;
    const bool& stopping;
    // Of campaigns met before: the policy as it was published for them.
    std::map<std::string, std::shared_ptr<const policy>> known{};

    // Many chunks may be under way; those that send take turns.
    // kept: every delivery is settled or waits for its receipt. Failure: cancelled (stopping, or `owned`
    // became false: somebody else goes on), or what is wrong with the chunk for good.
    asio::awaitable<result<void>> deliver(chunk c, std::uint32_t epoch, sender* via, io::mutex* turns,
                                          std::shared_ptr<const bool> owned);

    asio::awaitable<result<void>> audit(const chunk& c, std::uint32_t epoch, std::string kind,
                                        std::vector<store::change> changes);
    // Passes a receipt on to the shard it belongs to.
    asio::awaitable<result<void>> forward_receipt(store::message_place place, std::string receipt);
    asio::awaitable<result<std::shared_ptr<const policy>>> policy_of(std::string campaign);
    // By the newest version of the policy: 公开属性 is checked again at the moment of sending.
    asio::awaitable<result<bool>> still_public(std::string policy_id);
};

} // namespace zhida::dispatcher
