// Every Redis key of Zhida. Keys of a shard carry its hash tag, so that one Lua script may touch them
// together.
#pragma once

#include "common/model/policy.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::store::keys {

std::string tag(int shard); // "{s07}", "{s123}"

// Of a shard
// hash: subject id -> packed profile. A shard's subjects are spread over so many of them, by a byte of the
// id's murmur2: small hashes that Redis keeps as one piece of memory, because a key of its own for each
// subject costs more than half a profile.
inline constexpr int profile_buckets = 256;
int profile_bucket(std::string_view subject_id) noexcept;
std::string hex_of_bucket(int bucket);                        // as in the key
std::string profiles(int shard, std::string_view subject_id); // the one that holds the subject
std::string profiles(int shard, int bucket);                  // 0 .. profile_buckets - 1
std::string profile_prefix(int shard);
std::string
ids(int shard); // string: 24 bytes an ordinal, the subject id, NUL-padded; zeros where none is yet
std::string reserved(int shard);    // hash: subject id -> ordinal, of subjects that the log knows and whose
                                    // profile is not here (any more, or again)
std::string shard_state(int shard); // hash: policy_offset, day, profile_offset, policies_begun, day_begun,
                                    // profiles_begun, subjects (how many have an ordinal), lineage,
                                    // numbers_told (how many of those zhida.delivery knows), epoch:<channel>,
                                    // epoch:matching, consents (rises with each change of what subjects
                                    // want), consent_offset (next place in zhida.consent), delivery_offset
                                    // (next place in zhida.delivery), delivery_server (run id of the server
                                    // that has all before it), receipts_server (the same of receipts)
inline constexpr const char* matching_epoch = "epoch:matching";
std::string opted_out(int shard);       // set: subject ids (every channel but web)
std::string opted_out_bits(int shard);  // string: the same as bits by ordinal, of the subjects that have one
std::string no_grant(int shard);        // set: subject ids to whom WeChat may not send any more
std::string no_grant_bits(int shard);   // string: the same as bits by ordinal
std::string preferences(int shard);     // hash: subject id -> common/model/preferences.hpp, of who said more
                                        // than yes or no to all messages
std::string untargeted_bits(int shard); // string: who refuses targeting, as bits by ordinal
std::string number_marks(int shard);    // hash: digest -> what gateways said of the number
std::string bound(int shard);           // set: subject ids with a hash of bindings
std::string bindings(int shard, std::string_view subject_id); // hash: digest of a WeChat address -> the
                                                              // sealed contact, empty where it was unbound
// hash: what is known of WeChat addresses, whose digest's shard this is: <digest>:f "1" or "0" (follows us)
// and since when, <digest>:t:<template> how many grants are left, "L" (lasting), or "R" and since when it is
// refused (seconds), <digest>:g the last grants that were counted
std::string wechat_addresses(int shard);
std::string wechat_refusing(int shard,
                            std::string_view digest);        // set: subjects that are refused because of it
std::string member_rate(int shard, std::string_view digest); // sorted set: WeCom messages to a member by
                                                             // milliseconds since 1970, expires
std::string refused_numbers(int shard); // set: digests of phone numbers, the same in every shard
std::string
stopped_campaigns(int shard); // hash: campaign -> "<revision> <state>", of those that were paused or ended
std::string due(int shard);   // sorted set: "<channel>/<first>/<count>/<campaign>" by seconds when
                              // something of the chunk falls due
std::string sent_counts(int shard, channel c); // string: 4 bytes an ordinal, common/model/frequency_cap.hpp
std::string campaign_prefix(int shard);
std::string campaigns_of(int shard);                        // set: ids of the campaigns with an audience here
std::string audience(int shard, std::string_view campaign); // string: u32 ordinals, little-endian, rising
std::string ledger(int shard, std::string_view campaign,
                   channel c); // string: 16-byte records in audience order
std::string counters(int shard, std::string_view campaign,
                     channel c);                            // hash: s<state> -> count, read -> count
std::string verdicts(int shard, std::string_view campaign); // hash: "<item>:<verdict>" -> count;
                                                            // "frozen": the audience is, even if empty;
                                                            // "told": and the log has it
std::string parts(int shard, std::string_view campaign, channel c,
                  std::uint32_t position); // set: numbers of the parts of a long SMS that arrived, expires

// Of the installation
std::string policy(std::string_view id); // hash: document, version, received_ms, disclosure, pushed
std::string policy_version(std::string_view id, int version); // string: document
std::string campaigns_place();                                // string: next place in zhida.campaign
std::string policies();                                       // sorted set: policy id by received_ms
std::string campaign(std::string_view id);                    // string: JSON
std::string open_campaigns();    // set: campaign ids that the scheduler has something to do for
std::string scheduler_lease();   // string: instance, expires
std::string reminder_days();     // hash: policy id -> day up to which its reminders were seen to
std::string contact_key_check(); // string: by which a command sees that its contact key is the service's
std::string layout();            // string: number of the way all this is laid out
std::string campaigns();         // sorted set: campaign id by created_ms
std::string gateway_states(std::string_view name); // hash: process -> until_ms and JSON, expires
// hash: last character of a message's id -> where its receipts belong, expires. A gateway counts its
// messages, so that those of one batch share hashes: a key of its own for each costs Redis more than all the
// rest of it.
std::string messages(std::string_view gateway, std::string_view message_id);
std::string field_of_message(std::string_view message_id);
std::string orphan(std::string_view gateway,
                   std::string_view message_id);        // string: a receipt that came first, expires
std::string any_orphan(std::string_view gateway);       // string: while there may be one of those, expires
std::string wechat_token(std::string_view appid);       // string: sealed token, expires
std::string wechat_token_lease(std::string_view appid); // string: who fetches a new one, expires
std::string wechat_calls(std::string_view appid, std::int32_t day); // hash: API -> calls, expires
std::string wechat_event(std::string_view digest);     // string: an event that was taken, expires
std::string wechat_codes(std::string_view subject_id); // counter: QR codes of this hour, expires
std::string wechat_scene(std::string_view scene);      // string: digest of the address that used it, expires
std::string news_told(std::string_view what);          // string: robots were told of it, expires
// sorted set: what people wrote back to a department ("": to none that is known), common/store/feedback.hpp
std::string feedback(std::string_view department);
std::string feedback_departments();                 // set: those that have some
std::string feedback_last();                        // string: number of the latest
std::string feedback_seen(std::string_view digest); // string: while the same message may come again, expires
std::string acknowledged(std::string_view digest);  // string: a number was told of its opt-out, expires
std::string acknowledgements();                     // list: numbers that shall be told, sealed
std::string tests_of_day(std::string_view subject, std::int32_t day); // counter: expires
std::string idempotency(std::string_view digest);                     // string: a request's outcome, expires
std::string matchers();                                               // set: instances of matchers
std::string matcher(std::string_view instance);                       // string: JSON, expires

} // namespace zhida::store::keys
