#include "services/portal/form.hpp"

#include "common/base/utf8.hpp"
#include "common/io/http_decode.hpp"

namespace zhida::portal {

namespace {

constexpr std::size_t max_parts = 64;

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// The value of `name` in "form-data; name=\"a\"; filename=\"b\"", quoted or not; nothing where it is missing.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
    std::size_t at = header.find(';');
    while (at != std::string_view::npos && at < header.size()) {
        ++at;
        while (at < header.size() && (header[at] == ' ' || header[at] == '\t')) ++at;
        const auto equals = header.find('=', at);
        if (equals == std::string_view::npos) return std::nullopt;
        const auto key = lower(header.substr(at, equals - at));
        std::string value;
        std::size_t end = equals + 1;
        if (end < header.size() && header[end] == '"') {
            for (++end; end < header.size() && header[end] != '"'; ++end) {
                if (header[end] == '\\' && end + 1 < header.size()) ++end;
                value += header[end];
            }
            end = header.find(';', end);
        } else {
            const auto stop = header.find(';', end);
            value = std::string(header.substr(end, stop == std::string_view::npos ? stop : stop - end));
            while (value.ends_with(' ')) value.pop_back();
            end = stop;
        }
        if (key == name) return value;
        at = end;
    }
    return std::nullopt;
}

// "Content-Disposition: form-data; ..." of a part's head.
std::optional<std::string> disposition(std::string_view head) {
    while (!head.empty()) {
        const auto end = head.find("\r\n");
        const auto line = head.substr(0, end);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos && lower(line.substr(0, colon)) == "content-disposition")
            return std::string(line.substr(colon + 1));
        head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    }
    return std::nullopt;
}

std::optional<std::map<std::string, std::string>> decode_multipart(const std::string& boundary,
                                                                   std::string_view body) {
    const std::string mark = "--" + boundary;
    if (!body.starts_with(mark)) return std::nullopt;
    body.remove_prefix(mark.size());
    std::map<std::string, std::string> out;
    for (std::size_t parts = 0; parts <= max_parts; ++parts) {
        if (body.starts_with("--")) return out;
        if (!body.starts_with("\r\n")) return std::nullopt;
        body.remove_prefix(2);
        const auto end = body.find("\r\n" + mark);
        const auto part = body.substr(0, end);
        const auto blank = part.find("\r\n\r\n");
        if (end == std::string_view::npos || blank == std::string_view::npos) return std::nullopt;
        const auto header = disposition(part.substr(0, blank));
        const auto name = header ? parameter(*header, "name") : std::nullopt;
        if (!name || !valid_utf8(*name)) return std::nullopt;
        const auto value = part.substr(blank + 4);
        const bool file = parameter(*header, "filename").has_value();
        if (!file && !valid_utf8(value)) return std::nullopt;
        if (!file || !value.empty()) out[*name] = std::string(value);
        body.remove_prefix(end + 2 + mark.size());
    }
    return std::nullopt;
}

} // namespace

std::optional<std::map<std::string, std::string>> decode_form_body(std::string_view content_type,
                                                                   std::string_view body) {
    const auto type = lower(content_type.substr(0, content_type.find(';')));
    if (type == "application/x-www-form-urlencoded") return io::decode_form(body);
    if (type != "multipart/form-data") return std::nullopt;
    const auto boundary = parameter(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt; // RFC 2046 5.1.1
    return decode_multipart(*boundary, body);
}

} // namespace zhida::portal
