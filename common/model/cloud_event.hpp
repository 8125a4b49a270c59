// CloudEvents 1.0 on the event log and over HTTP: binary mode (ce_* headers) is written, structured is read
// as well.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"

#include <string>
#include <utility>
#include <vector>

namespace zhida {

struct cloud_event {
    std::string id, source, type, subject, time, dataschema;
    std::string datacontenttype = "application/json";
    json data;
};

namespace event_type {
inline constexpr const char* policy_published = "cn.zhida.policy.published.v1";
inline constexpr const char* profile_upserted = "cn.zhida.profile.upserted.v1";
inline constexpr const char* dispatch_chunk = "cn.zhida.dispatch.chunk.v1";
inline constexpr const char* campaign_changed = "cn.zhida.campaign.changed.v1";
inline constexpr const char* subjects_numbered = "cn.zhida.subjects.numbered.v1";
inline constexpr const char* audience_frozen = "cn.zhida.audience.frozen.v1";
inline constexpr const char* delivery_changed = "cn.zhida.delivery.changed.v1";
inline constexpr const char* receipt_arrived = "cn.zhida.receipt.arrived.v1";
inline constexpr const char* receipt_orphaned = "cn.zhida.receipt.orphaned.v1";
inline constexpr const char* match_changed = "cn.zhida.match.changed.v1";
inline constexpr const char* consent_changed = "cn.zhida.consent.changed.v1";
inline constexpr const char* dead_letter = "cn.zhida.deadletter.v1";
} // namespace event_type

using event_headers = std::vector<std::pair<std::string, std::string>>;

struct encoded_event {
    event_headers headers; // ce_specversion, ce_id, ce_source, ce_type, ce_subject, ce_time, content-type ...
    std::string value;
};
encoded_event encode_event(const cloud_event& e);

// Kafka protocol binding: structured where content-type starts with application/cloudevents+json, binary
// where ce_id is there; names of headers in any case. Bare JSON without either is refused. max_bytes bounds
// the value.
result<cloud_event> decode_event(const event_headers& headers, std::string_view value,
                                 std::size_t max_bytes = 4 << 20);

// A new random id (UUID version 4).
std::string new_event_id();

} // namespace zhida
