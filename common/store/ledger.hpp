// Audiences and ledgers in Redis. Records and their counters change in the same Lua call; a change is merged
// by the lattice of common/model/ledger.hpp, so that applying it again is harmless.
#pragma once

#include "common/io/redis.hpp"
#include "common/model/frequency_cap.hpp"
#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

struct change {
    std::uint32_t position = 0; // in the audience
    zhida::ledger::record to;
};
// Repeated (u32 little-endian position, 16-byte record): the form of the Lua calls and of zhida.delivery.
std::string encode_changes(const std::vector<change>& changes);
result<std::vector<change>> decode_changes(std::string_view bytes);

struct audience_member {
    std::uint32_t ordinal = 0;
    std::uint16_t items = 0; // bit i: item i of the policy was matched
};

struct chunk_member {
    std::uint32_t position = 0;
    std::uint32_t ordinal = 0;
    zhida::ledger::record now;
    std::string subject_id; // empty where profiles were not asked for
    std::string packed;     // the packed profile; empty where it is gone
    bool opted_out = false;
};

enum class claim_outcome : char {
    claimed = 'c',
    opted_out = 'o', // suppressed in the same call, as are the next two
    no_grant = 'g',
    capped = 'k',
    in_doubt =
        'u', // claimed before, nobody knows whether it was sent, and it may not be sent again: unknown now
    not_yet = 'h', // held until later
    settled = 'x', // submitted already, or final
};
struct claim_request {
    int shard = 0;
    std::string campaign;
    channel via = channel::web;
    std::uint32_t epoch = 0;
    std::uint32_t now_s = 0;
    // Seconds after its claim in which a delivery of an older epoch may be sent again, because the gateway
    // drops duplicates; 0: never.
    std::uint32_t resend_within_s = 0;
    std::vector<std::uint32_t> positions;
    // Parallel to positions: opt-out, grant and cap are checked in the same call, and what is claimed for the
    // first time is counted towards the cap.
    std::vector<std::string> subject_ids;
    std::vector<std::uint32_t> ordinals;
    frequency_cap cap;
};
struct claim_answer {
    std::vector<claim_outcome> outcomes; // parallel to the request's positions
    std::vector<change> changes;         // what the call wrote
};

// A receipt comes within three days or never; so long its message is remembered.
inline constexpr std::chrono::seconds receipts_kept = std::chrono::hours(72);

// Where the receipts of a gateway's message ids belong. A receipt may come before the id is known here.
struct message_place {
    int shard = 0;
    std::string campaign;
    channel via = channel::sms;
    std::uint32_t position = 0;
    int part = 1, parts = 1;
};
std::string to_text(const message_place& place);
result<message_place> read_message_place(std::string_view text);

class ledgers {
  public:
    explicit ledgers(io::redis& r) : redis_(r) {}

    // Freezes the shard's audience (members by rising ordinal) and queues every delivery of every channel,
    // once: a second call keeps the first audience, an empty one too. Returns its size. verdicts:
    // "<item>:<verdict>" -> count. conflict: another process took the shard after this epoch of take_matching
    // (0: not asked), nothing is frozen.
    asio::awaitable<result<std::uint32_t>> freeze(int shard, std::string campaign,
                                                  std::vector<channel> channels,
                                                  std::vector<audience_member> members,
                                                  std::map<std::string, std::int64_t> verdicts,
                                                  std::uint32_t epoch = 0);
    asio::awaitable<result<std::vector<chunk_member>>> load(int shard, std::string campaign, channel via,
                                                            std::uint32_t first, std::uint32_t count,
                                                            bool with_profiles);
    // A new owner of (shard, channel): every claim with an older epoch is refused from now on.
    asio::awaitable<result<std::uint32_t>> take_epoch(int shard, channel via);
    // conflict: the epoch is not the newest any more.
    asio::awaitable<result<claim_answer>> claim(claim_request request);
    // Merges; returns what changed (merged records).
    asio::awaitable<result<std::vector<change>>> apply(int shard, std::string campaign, channel via,
                                                       std::vector<change> changes);
    // These parts of messages of several were delivered: true where, with that, all parts of the message have
    // been.
    asio::awaitable<result<std::vector<bool>>> parts_delivered(std::vector<message_place> parts);

    // How far the shard's matching has come: the offset after the last event of zhida.policy that was judged,
    // and the last day whose changes were (0: none yet; days since 1970-01-01, Asia/Shanghai). And how far
    // somebody has begun, whose audience may be frozen and whose changes may be told already: the next owner
    // does that first, as if nothing else had come since.
    struct matched {
        std::int64_t policy_offset = 0;
        std::int32_t day = 0;
        std::int64_t policies_begun = 0, profiles_begun = 0; // offsets, as policy_offset and profile_offset
        std::int32_t day_begun = 0;
    };
    asio::awaitable<result<matched>> matched_until(int shard);
    // A new owner of the shard's matching: with an older epoch nothing of it is changed from now on.
    asio::awaitable<result<std::uint32_t>> take_matching(int shard);
    struct owned_shard {
        int shard = 0;
        std::uint32_t epoch = 0; // of take_matching
    };
    enum class place : std::uint8_t { policy_offset, day, policies_begun, profiles_begun, day_begun };
    // Returns the shards that somebody else has taken since: theirs is not changed.
    asio::awaitable<result<std::vector<int>>> keep_place(place what, std::vector<owned_shard> of,
                                                         std::int64_t value);

    // For checks: ids of the shard's campaigns; whole arrays; the counters as they are.
    asio::awaitable<result<std::vector<std::string>>> campaigns_of(int shard);
    asio::awaitable<result<std::string>> audience_bytes(int shard, std::string campaign);
    asio::awaitable<result<std::string>> ledger_bytes(int shard, std::string campaign, channel via);
    asio::awaitable<result<std::map<std::string, std::int64_t>>> counters(int shard, std::string campaign,
                                                                          channel via);

  private:
    io::redis& redis_;
};

class messages {
  public:
    explicit messages(io::redis& r) : redis_(r) {}
    // Remembers the place; returns the receipt that had come first, if one had ("" if none).
    asio::awaitable<result<std::string>> bind(std::string gateway, std::string message_id,
                                              message_place place);
    // The place ("" fields: none known: the receipt text is kept, for bind to find).
    asio::awaitable<result<std::optional<message_place>>> resolve(std::string gateway, std::string message_id,
                                                                  std::string receipt);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
