// How the event log lies in Redis. Pure: names and encodings only.
//
//   log:partitions           hash: topic -> number of partitions
//   log:retention            hash: topic -> retention_ms, -1 for ever
//   log:{<topic>/<p>}        stream of one partition. Ids are 0-1, 0-2, ... (XADD key 0-*), so the record
//   with
//                            offset n has the id 0-<n+1>; Redis keeps the last id even when all is trimmed.
//                            Fields in this order: t (append time, ms since 1970), k (key), v (value), then
//                            one field h<name> for each header, repeated names included.
//   log:offsets:<group>      hash: <topic>/<p> -> offset below which everything is done
//   log:groups:<topic>       set: groups that ever subscribed; what they have not stored is never trimmed.
//                            Remove a group here when it is given up for good.
//   log:lease:<group>        string with an expiry: the one process that consumes for the group
#pragma once

#include "common/io/event_log.hpp"
#include "common/io/redis.hpp"

#include <string>

namespace zhida::io::redis_log_schema {

inline constexpr const char* partitions_key = "log:partitions";
inline constexpr const char* retention_key = "log:retention";

inline std::string field(const topic_partition& p) {
    return p.topic + "/" + std::to_string(p.partition);
}
inline std::string stream_key(const topic_partition& p) {
    return "log:{" + field(p) + "}";
}
inline std::string offsets_key(const std::string& group) {
    return "log:offsets:" + group;
}
inline std::string groups_key(const std::string& topic) {
    return "log:groups:" + topic;
}
inline std::string lease_key(const std::string& group) {
    return "log:lease:" + group;
}

// XREAD from this id gives the records from `offset` on.
inline std::string id_before(std::int64_t offset) {
    return "0-" + std::to_string(offset);
}

// The command that appends the message.
redis_args append_args(const log_message& message, std::int64_t now_ms);
// Offset of an id of ours. Failure invalid: not of the form 0-<n>, n >= 1.
result<std::int64_t> offset_of(const std::string& id);
// One entry of XREAD's or XRANGE's answer: [id, [name, value, ...]].
result<log_record> record_of(const topic_partition& partition, redis_reply entry);
// A stored number, such as an offset in a hash; nothing stored gives `absent`.
result<std::int64_t> number_of(const redis_reply& reply, std::int64_t absent);

} // namespace zhida::io::redis_log_schema
