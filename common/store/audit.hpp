// Every audience and every transition of the ledger as events on zhida.delivery: the audit, what live pages
// listen to, and what the ledger can be made of again.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "common/store/subject_numbers.hpp"

#include <map>
#include <string>
#include <vector>

namespace zhida {

struct transition {
    int shard = 0;
    std::string campaign;
    channel via = channel::web;
    std::uint32_t epoch = 0; // 0: not by a claim's owner
    std::string kind;        // claim | record | receipt | settle | engage | sweep | route
    std::int64_t at_ms = 0;
    std::vector<store::change> changes; // records as they are now
    // Of a claim: how many messages these subjects have been sent, by ordinal.
    std::vector<std::pair<std::uint32_t, sent_count>> sent{};
    // Of a record: by which ids the gateway's receipts will name the messages.
    std::vector<store::messages::sent> ids{};
};

// data: campaign, shard, channel, epoch, kind, at_ms, counts {state: n}, changes (base64 of
// store::encode_changes), and where there are any sent (base64 of u32 ordinal and four bytes each) and
// message_ids (of each message its id, position, part and how many parts it has, one after the other)
io::log_message delivery_message(const transition& t);
result<transition> read_transition(const json& data);

// The audience of a shard, in parts that fit into an event each.
struct frozen_audience {
    int shard = 0;
    std::string campaign;
    std::vector<channel> channels;
    std::vector<store::audience_member> members;  // of this part
    std::map<std::string, std::int64_t> verdicts; // store::ledgers::freeze
    bool waiting = false;                         // store::ledgers::freeze
    std::uint32_t first = 0, total = 0;           // place of the part's first member, and all there are
};
// data: campaign, shard, channels, verdicts, waiting, first, total, members (base64 of u32 ordinal and u16
// items each)
std::vector<io::log_message> audience_messages(const frozen_audience& whole, wall_time now);
result<frozen_audience> read_audience(const json& data);

// data: shard, first, ids (a list of subject ids, by ordinal). Before the first audience that names them.
io::log_message numbers_message(const store::numbered_subjects& subjects, wall_time now);
result<store::numbered_subjects> read_numbers(const json& data);

} // namespace zhida
