// Audiences and ledgers in Redis. Records and their counters change in the same Lua call; a change is merged
// by the lattice of common/model/ledger.hpp, so that applying it again is harmless.
#pragma once

#include "common/io/redis.hpp"
#include "common/model/campaign.hpp"
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
    // Where subjects were asked for:
    std::string subject_id;
    std::string packed;      // the packed profile; empty where it is gone
    bool opted_out = false;  // of all messages
    bool no_grant = false;   // WeChat may not send to it
    std::string preferences; // encoded; empty: none
    sent_count sent;         // messages on this channel
};
// What a decision rests on. A claim that finds it changed writes nothing.
struct grounds {
    std::string server;   // run id: another after a restart, which may have lost the last writes
    std::string consents; // rises with every consent of the shard that changes
    std::string stopped;  // empty, or what stopped the campaign: campaign_state by name
    bool operator==(const grounds&) const = default;
};
struct loaded_chunk {
    std::vector<chunk_member> members;
    grounds as_of;
    bool any_preferences = false; // somebody of the shard has some
    bool any_refused_number = false;
};

struct replacement {
    std::uint32_t position = 0;
    zhida::ledger::record from, to;
};
enum class commit_outcome : std::uint8_t {
    done,    // written; or by the same call before, whose answer was lost
    changed, // a record or a consent is not what it was: nothing is written, look again
    fenced,  // somebody newer owns the shard
    server,  // another server answers than the one that was read from
    stopped, // the campaign is paused, cancelled or withdrawn
};
// All or nothing.
struct commit_request {
    int shard = 0;
    std::string campaign;
    channel via = channel::web;
    std::vector<replacement> records; // by rising position
    // A claim: only by the newest owner, and only on these grounds.
    struct claim_terms {
        std::uint32_t epoch = 0;
        grounds as_of;
        std::vector<std::pair<std::uint32_t, sent_count>> sent; // by rising ordinal: as they shall be
    };
    std::optional<claim_terms> claim;
};

class ledgers {
  public:
    explicit ledgers(io::redis& r) : redis_(r) {}

    // Freezes the shard's audience (members by rising ordinal) and queues every delivery of every channel,
    // once: a second call keeps the first audience, an empty one too. verdicts: "<item>:<verdict>" -> count.
    // conflict: another process took the shard after this epoch of take_matching (0: not asked), nothing is
    // frozen. waiting: every delivery begins as held, waiting_turn.
    struct frozen_now {
        std::uint32_t size = 0;
        bool before = false; // by an earlier call: it may be another audience than the one given
    };
    asio::awaitable<result<frozen_now>> freeze(int shard, std::string campaign, std::vector<channel> channels,
                                               std::vector<audience_member> members,
                                               std::map<std::string, std::int64_t> verdicts,
                                               std::uint32_t epoch = 0, bool waiting = false);
    asio::awaitable<result<loaded_chunk>> load(int shard, std::string campaign, channel via,
                                               std::uint32_t first, std::uint32_t count, bool with_subjects);
    // A new owner of (shard, channel): every claim with an older epoch is refused from now on.
    asio::awaitable<result<std::uint32_t>> take_epoch(int shard, channel via);
    // Compare and swap. not_found: a position that the ledger does not have.
    asio::awaitable<result<commit_outcome>> commit(commit_request request);
    // Where the records read as who claimed them left them, as almost always, in one call; else as apply.
    asio::awaitable<result<void>> record(int shard, std::string campaign, channel via,
                                         std::vector<replacement> outcomes);
    // Merges by the lattice, whoever writes at the same time; returns what changed (merged records).
    asio::awaitable<result<std::vector<change>>> apply(int shard, std::string campaign, channel via,
                                                       std::vector<change> changes);

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

    // Up to which offset of zhida.delivery this Redis has everything. Writes that follow note it, but only in
    // the server that was brought up to the log: another one may have lost what came before.
    void appended(int shard, std::int64_t offset);
    void brought_up(int shard, std::string server);
    struct log_place {
        std::int64_t next = 0;
        std::string server; // run id of the one that noted it
    };
    asio::awaitable<result<log_place>> delivery_place(int shard);
    asio::awaitable<result<void>> keep_delivery_place(int shard, log_place place); // never a lower one
    // Run id of the server that answers.
    asio::awaitable<result<std::string>> server();
    // The log knows these audiences: they may be sent to.
    asio::awaitable<result<void>> told(std::vector<int> shards, std::string campaign);
    // Of the campaign: in which shards its audience is not yet frozen and told, and how many subjects are in
    // it.
    struct frozen_shards {
        std::vector<int> missing;
        std::int64_t audience = 0;
    };
    asio::awaitable<result<frozen_shards>> frozen(std::string campaign, int shards);
    // What is frozen in the shard, with the items of each as on this channel.
    struct frozen_part {
        std::vector<audience_member> members;
        std::map<std::string, std::int64_t> verdicts;
    };
    asio::awaitable<result<frozen_part>> frozen_in(int shard, std::string campaign, channel via);
    // From the log: counts of messages sent, and that an owner had this epoch.
    asio::awaitable<result<void>> keep_sent(int shard, channel via,
                                            std::vector<std::pair<std::uint32_t, sent_count>> sent,
                                            std::uint32_t epoch);
    // Chunks with something that falls due: noted with the time, taken away once they are handed out. A note
    // that is lost is found by reconciliation.
    struct due_chunk {
        std::string campaign;
        channel via = channel::web;
        std::uint32_t first = 0, count = 0;
        std::uint32_t at = 0; // seconds since 1970 UTC
    };
    // keep_earlier: an earlier note stays, which may have been made meanwhile by who knows better.
    asio::awaitable<result<void>> put_due(int shard, due_chunk chunk, bool keep_earlier = false);
    asio::awaitable<result<std::vector<std::pair<int, due_chunk>>>> due_until(int shards, std::uint32_t now);
    // Those of them whose time is still the one that was read.
    asio::awaitable<result<void>> drop_due(std::vector<std::pair<int, due_chunk>> chunks);
    // Tells every shard what state the campaign is in: unless it is running no claim of it is granted from
    // the answer on. A later revision stays, whoever comes late.
    asio::awaitable<result<void>> tell_state(std::string campaign, campaign_state state,
                                             std::int64_t revision, int shards);

    // For the scheduler and for checks: ids of the shard's campaigns; whole arrays; the counters as they are.
    asio::awaitable<result<std::vector<std::string>>> campaigns_of(int shard);
    asio::awaitable<result<std::string>> audience_bytes(int shard, std::string campaign);
    asio::awaitable<result<std::string>> ledger_bytes(int shard, std::string campaign, channel via);
    asio::awaitable<result<std::map<std::string, std::int64_t>>> counters(int shard, std::string campaign,
                                                                          channel via);

  private:
    io::redis& redis_;
    std::map<int, log_place> appended_; // by shard; without a server nothing is noted
};

} // namespace zhida::store
