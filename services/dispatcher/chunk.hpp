// Carries chunks of campaigns as far as they come now: decide, claim, send, record. What must wait is held
// and noted as due; the scheduler hands it out again.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/io/event_log.hpp"
#include "common/store/audit.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "common/store/number_marks.hpp"
#include "common/store/policies.hpp"
#include "common/store/wechat_addresses.hpp"
#include "services/consent_log.hpp"
#include "services/dispatch_records.hpp"
#include "services/dispatcher/sender.hpp"

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace zhida::dispatcher {

struct chunk : dispatch_chunk {
    bool begun_elsewhere = false; // an owner before us may have begun it, and not told the audit all
};

// What the owner of a shard and channel delivers with.
struct terms {
    std::uint32_t epoch = 0;
    sender* via = nullptr;               // null for web, or where the channel is off
    std::shared_ptr<const bool> owned;   // becomes false where somebody else has the shard
    std::shared_ptr<std::string> server; // run id of the Redis that is known to have all that the log has
    std::function<bool()> more_urgent;   // something else of the shard should go first
};
enum class delivered : std::uint8_t {
    done,    // nothing of it can be done now
    yielded, // to what is more urgent: go on later
};

// What all chunks of a process share. References outlive every chunk.
struct deliverer {
    const config& settings;
    const clock& time;
    const crypto::sealer& sealer;
    io::event_log& log;
    store::ledgers& ledgers;
    store::messages& messages;
    store::consents& consents;
    store::number_marks& marks;
    store::wechat_addresses& addresses;
    store::campaigns& campaigns;
    store::policies& policies;
    const bool& stopping;
    // Brings a shard of Redis up to the log, after Redis was restarted or failed over; gives the run id of
    // the server that this is true of.
    std::function<asio::awaitable<result<std::string>>(int shard)> recover{};
    const store::number_digests digests{sealer};
    consent_log refusals{log, consents, time, static_cast<int>(settings.node.shards)};
    // Of campaigns met before: the policy as it was published for them.
    std::map<std::string, std::shared_ptr<const policy>> known{};
    std::mt19937 random{std::random_device{}()}; // spreads retries

    // Chunks of one shard and channel, of different campaigns or of one: what one recipient gets of several
    // campaigns goes out as one message. Failure: cancelled (stopping, or not owned any more), conflict
    // (fenced), or what is wrong with a chunk for good.
    asio::awaitable<result<delivered>> deliver(std::vector<chunk> group, terms by);

    asio::awaitable<result<void>> audit(transition t);
    // Passes a receipt on to the shard it belongs to.
    asio::awaitable<result<void>> forward_receipt(store::message_place place, std::string receipt);
    // Remembers what became of the number that this SMS went to, as gateways say it by receipt.
    asio::awaitable<result<void>> mark_number(store::message_place place, ledger::reason why);
    asio::awaitable<result<std::shared_ptr<const policy>>> policy_of(const campaign& c);
};

} // namespace zhida::dispatcher
