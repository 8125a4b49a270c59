// Events from foreign producers, with any headers. What is accepted is passed on unchanged.
#include "common/model/cloud_event.hpp"

#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdlib>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::array<const char*, 12> names = {
    "ce_specversion", "ce_id",        "ce_source",    "ce_type", "ce_subject", "ce_time",
    "Ce_DataSchema",  "content-type", "Content-Type", "ce-id",   "ce-source",  "ce-specversion"};
constexpr std::array<const char*, 5> values = {"1.0", "application/json", "application/cloudevents+json",
                                               "2026-11-23T21:05:00+08:00", "/oa"};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzedDataProvider in(data, size);
    zhida::event_headers headers;
    for (auto count = in.ConsumeIntegralInRange(0, 12); count > 0; --count) {
        auto name =
            in.ConsumeBool() ? std::string(in.PickValueInArray(names)) : in.ConsumeRandomLengthString(20);
        auto value =
            in.ConsumeBool() ? std::string(in.PickValueInArray(values)) : in.ConsumeRandomLengthString(40);
        headers.emplace_back(std::move(name), std::move(value));
    }
    const auto body = in.ConsumeRemainingBytesAsString();
    const auto event = zhida::decode_event(headers, body, 1 << 16);
    if (!event) {
        require(!event.error().what.empty() && !event.error().where.empty() && !event.error().fix.empty());
        return 0;
    }
    const auto encoded = zhida::encode_event(*event);
    const auto again = zhida::decode_event(encoded.headers, encoded.value, 1 << 20);
    require(again.has_value());
    require(again->id == event->id && again->source == event->source && again->type == event->type);
    require(again->subject == event->subject && again->time == event->time);
    require(again->dataschema == event->dataschema && again->datacontenttype == event->datacontenttype);
    require(again->data == event->data);
    return 0;
}
