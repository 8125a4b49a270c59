#include "common/model/cloud_event.hpp"

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/base/utf8.hpp"
#include "common/model/document_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace zhida {

namespace {

constexpr std::size_t max_headers = 128;
constexpr std::size_t max_attribute_bytes = 4096;
constexpr std::size_t max_depth = 64;

failure invalid(std::string what, std::string where, std::string fix) {
    return {errc::invalid, std::move(what), std::move(where), std::move(fix)};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// "Application/JSON; charset=UTF-8" -> "application/json"
std::string media_type(std::string_view content_type) {
    auto type = content_type.substr(0, content_type.find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
    while (!type.empty() && (type.front() == ' ' || type.front() == '\t')) type.remove_prefix(1);
    return lower(type);
}

// JSON format 1.0.2, section 3.1: what counts as JSON. Nothing given means JSON.
bool is_json_type(std::string_view content_type) {
    const auto type = media_type(content_type);
    return type.empty() || type.ends_with("/json") || type.ends_with("+json");
}

// The string type of CloudEvents 1.0.2, section 3.3: UTF-8 without control characters.
bool clean(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c == 0x7f) return false;
        // U+0080 to U+009F
        if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
    }
    return valid_utf8(text);
}

std::optional<std::string> percent_decoded(std::string_view text) {
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
        out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return out;
}

struct named_member {
    const char* name;
    std::string cloud_event::* member;
};
// datacontenttype is apart: binary mode carries it as content-type.
constexpr std::array<named_member, 6> text_attributes = {{{"id", &cloud_event::id},
                                                          {"source", &cloud_event::source},
                                                          {"type", &cloud_event::type},
                                                          {"subject", &cloud_event::subject},
                                                          {"time", &cloud_event::time},
                                                          {"dataschema", &cloud_event::dataschema}}};

std::optional<failure> check_attributes(const cloud_event& e, std::string_view specversion,
                                        const std::string& prefix) {
    if (specversion != "1.0")
        return invalid(specversion.empty() ? "is missing"
                                           : "'" + shortened(specversion) + "' is not supported",
                       prefix + "specversion", "must be 1.0");
    for (const auto& [name, member] : text_attributes) {
        const auto& value = e.*member;
        const std::string_view n = name;
        if (value.empty() && (n == "id" || n == "source" || n == "type"))
            return invalid("is missing or empty", prefix + name, "CloudEvents 1.0 requires it");
        if (value.size() > max_attribute_bytes)
            return invalid("is longer than " + std::to_string(max_attribute_bytes) + " bytes", prefix + name,
                           "shorten it");
        if (!clean(value))
            return invalid("has control characters or is not UTF-8", prefix + name, "write plain UTF-8 text");
    }
    if (e.source.find(' ') != std::string::npos)
        return invalid("has spaces", prefix + "source", "it is a URI reference, as /oa/policies");
    wall_time unused;
    if (!e.time.empty() && !parse_rfc3339(e.time, unused))
        return invalid("'" + shortened(e.time) + "' is not a time", prefix + "time",
                       "write it by RFC 3339, as 2026-11-23T21:05:00+08:00");
    return std::nullopt;
}

std::optional<failure> check_content_type(const std::string& type) {
    if (type.size() > max_attribute_bytes || !clean(type))
        return invalid("is too long, has control characters or is not UTF-8", "datacontenttype",
                       "send application/json");
    // An event within an event could not be told from structured mode when it is passed on.
    if (media_type(type).starts_with("application/cloudevents"))
        return invalid("'" + shortened(type) + "' is an event, not data", "datacontenttype",
                       "send application/json");
    if (!is_json_type(type))
        return invalid("'" + shortened(type) + "' is not JSON", "datacontenttype",
                       "the events of Zhida carry application/json");
    const auto parameters = lower(type);
    const auto charset = parameters.find("charset=");
    if (charset != std::string::npos) {
        auto name = std::string_view(parameters).substr(charset + 8);
        if (name.starts_with('"')) name.remove_prefix(1);
        if (!name.starts_with("utf-8") && !name.starts_with("us-ascii"))
            return invalid("'" + shortened(type) + "' is not UTF-8", "datacontenttype",
                           "send application/json in UTF-8");
    }
    return std::nullopt;
}

// Binary mode: no bytes mean no data.
result<json> parse_data(std::string_view bytes, std::size_t max_bytes) {
    if (bytes.empty()) return ok(json());
    auto data = parse_json(bytes, {max_bytes, max_depth});
    if (data) return data;
    auto why = data.error();
    why.where = "data";
    return why;
}

result<cloud_event> decode_structured(std::string_view value, std::size_t max_bytes) {
    auto parsed = parse_json(value, {max_bytes, max_depth + 1});
    if (!parsed) {
        auto why = parsed.error();
        why.where = "event";
        return why;
    }
    if (!parsed->is_object())
        return invalid(std::string("must be an object, not ") + parsed->type_name(), "event",
                       "send one CloudEvent in JSON format");
    cloud_event e;
    std::string specversion;
    const auto take = [&](const char* name, std::string& into) -> std::optional<failure> {
        const auto found = parsed->find(name);
        if (found == parsed->end() || found->is_null()) return std::nullopt;
        if (!found->is_string())
            return invalid(std::string("must be a text, not ") + found->type_name(), name,
                           "put it in quotes");
        into = found->get_ref<const std::string&>();
        return std::nullopt;
    };
    if (auto wrong = take("specversion", specversion)) return *wrong;
    if (auto wrong = take("datacontenttype", e.datacontenttype)) return *wrong;
    for (const auto& [name, member] : text_attributes)
        if (auto wrong = take(name, e.*member)) return *wrong;
    if (auto wrong = check_attributes(e, specversion, "")) return *wrong;
    if (auto wrong = check_content_type(e.datacontenttype)) return *wrong;

    if (e.datacontenttype.empty()) e.datacontenttype = "application/json";
    const auto data = parsed->find("data"), encoded = parsed->find("data_base64");
    if (data != parsed->end() && encoded != parsed->end())
        return invalid("both data and data_base64 are given", "data", "send one of them");
    if (data != parsed->end()) e.data = std::move(*data);
    if (encoded != parsed->end() && !encoded->is_null()) {
        if (!encoded->is_string())
            return invalid(std::string("must be a text, not ") + encoded->type_name(), "data_base64",
                           "send base64 in quotes");
        auto bytes = crypto::from_base64(encoded->get_ref<const std::string&>());
        if (!bytes) return invalid("is not base64", "data_base64", bytes.error().what);
        auto inner = parse_data(*bytes, max_bytes);
        if (!inner) return inner.error();
        e.data = std::move(*inner);
    }
    return e;
}

} // namespace

encoded_event encode_event(const cloud_event& e) {
    encoded_event out;
    out.headers.emplace_back("ce_specversion", "1.0");
    for (const auto& [name, member] : text_attributes)
        if (!(e.*member).empty()) out.headers.emplace_back(std::string("ce_") + name, e.*member);
    out.headers.emplace_back("content-type", e.datacontenttype);
    if (!e.data.is_null()) out.value = to_text(e.data);
    return out;
}

result<cloud_event> decode_event(const event_headers& headers, std::string_view value,
                                 std::size_t max_bytes) {
    if (value.size() > max_bytes)
        return failure{errc::exhausted, "an event of " + std::to_string(value.size()) + " bytes", "value",
                       "at most " + std::to_string(max_bytes) + " bytes"};
    if (headers.size() > max_headers)
        return failure{errc::exhausted, std::to_string(headers.size()) + " headers", "headers",
                       "at most " + std::to_string(max_headers)};

    cloud_event e;
    e.datacontenttype.clear();
    std::string specversion;
    std::vector<std::string> seen;
    for (const auto& [raw_name, raw_value] : headers) {
        const auto name = lower(raw_name);
        // Kafka's binding says ce_ (section 3.2.3), HTTP's says ce- and percent-encodes (3.1.3).
        const bool http = name.starts_with("ce-");
        const auto attribute = http || name.starts_with("ce_") ? name.substr(3) : std::string();
        std::string* into = nullptr;
        if (name == "content-type") into = &e.datacontenttype;
        if (attribute == "specversion") into = &specversion;
        for (const auto& [known, member] : text_attributes)
            if (attribute == known) into = &(e.*member);
        if (!into) continue; // an extension, or somebody else's header
        if (std::find(seen.begin(), seen.end(), attribute) != seen.end())
            return invalid("is given twice", raw_name, "send it once");
        seen.push_back(attribute);
        if (http) {
            auto decoded = percent_decoded(raw_value);
            if (!decoded) return invalid("has a '%' without two hex digits", raw_name, "write % as %25");
            *into = std::move(*decoded);
        } else {
            *into = raw_value;
        }
    }

    const auto type = media_type(e.datacontenttype);
    if (type == "application/cloudevents+json") return decode_structured(value, max_bytes);
    if (type.starts_with("application/cloudevents"))
        return invalid("'" + shortened(type) + "' is not supported", "content-type",
                       "send application/cloudevents+json, or binary mode with ce_ headers");
    if (e.id.empty() && specversion.empty())
        return invalid("is not a CloudEvent", "headers",
                       "send ce_specversion, ce_id, ce_source and ce_type as headers, or the whole event as "
                       "application/cloudevents+json");
    if (e.datacontenttype.empty()) e.datacontenttype = "application/json";
    if (auto wrong = check_attributes(e, specversion, "ce_")) return *wrong;
    if (auto wrong = check_content_type(e.datacontenttype)) return *wrong;
    auto data = parse_data(value, max_bytes);
    if (!data) return data.error();
    e.data = std::move(*data);
    return e;
}

std::string new_event_id() {
    // RFC 9562, section 5.4: 122 random bits, version 4, variant 10.
    auto bytes = crypto::random_bytes(16);
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
    auto text = crypto::hex(bytes);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
    return text;
}

} // namespace zhida
