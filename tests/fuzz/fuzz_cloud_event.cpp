// Events from foreign producers, with any headers. What is accepted is passed on unchanged.
// Form of an input: lines "name: value", an empty line, the value of the record. So that seeds can be written
// by hand.
#include "common/model/cloud_event.hpp"

#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

zhida::event_headers take_headers(std::string_view& rest) {
    zhida::event_headers headers;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        if (line.empty()) break;
        const auto colon = line.find(": ");
        headers.emplace_back(line.substr(0, colon), colon == line.npos ? "" : line.substr(colon + 2));
    }
    return headers;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view body(reinterpret_cast<const char*>(data), size);
    const auto headers = take_headers(body);
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
