// Every transition of the ledger as an event on zhida.delivery: the audit, and what live pages listen to.
#pragma once

#include "common/io/event_log.hpp"
#include "common/store/ledger.hpp"

#include <string>
#include <vector>

namespace zhida {

struct transition {
    int shard = 0;
    std::string campaign;
    channel via = channel::web;
    std::uint32_t epoch = 0; // 0: not by a claim's owner
    std::string kind;        // claim | record | receipt | suppress | engage
    std::int64_t at_ms = 0;
    std::vector<store::change> changes; // records as they are now
};

// data: campaign, shard, channel, epoch, kind, at_ms, counts {state: n}, changes (base64 of
// store::encode_changes)
io::log_message delivery_message(const transition& t);
result<transition> read_transition(const json& data);

} // namespace zhida
