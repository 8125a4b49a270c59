#include "common/io/http_decode.hpp"

#include "common/base/utf8.hpp"

namespace zhida::io {

namespace {

constexpr std::size_t max_fields = 256;

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool decoded_segments(std::string_view path, std::string& out) {
    std::size_t at = 1;
    out = "/";
    while (true) {
        const auto slash = path.find('/', at);
        const auto segment = percent_decode(
            path.substr(at, slash == std::string_view::npos ? slash : slash - at), /*plus_is_space*/ false);
        if (!segment || *segment == "." || *segment == ".." || segment->find('/') != std::string::npos)
            return false;
        out += *segment;
        if (slash == std::string_view::npos) return true;
        out += '/';
        at = slash + 1;
    }
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
            c == '.' || c == '_' || c == '~') {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

std::optional<std::map<std::string, std::string>> decode_form(std::string_view text) {
    std::map<std::string, std::string> out;
    std::size_t fields = 0;
    while (!text.empty()) {
        const auto end = text.find('&');
        const auto pair = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (pair.empty()) continue;
        if (++fields > max_fields) return std::nullopt;
        const auto equals = pair.find('=');
        const auto name = percent_decode(pair.substr(0, equals), true);
        const auto value =
            percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
        if (!name || !value || !valid_utf8(*name) || !valid_utf8(*value)) return std::nullopt;
        out[*name] = *value;
    }
    return out;
}

std::optional<http_target> decode_target(std::string_view target) {
    for (const char c : target)
        if (control(c) || c == ' ' || c == '#') return std::nullopt;
    bool absolute = false;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!target.starts_with(scheme)) continue;
        const auto path = target.find_first_of("/?", scheme.size());
        if (path == scheme.size()) return std::nullopt; // no authority
        target = path == std::string_view::npos ? "/" : target.substr(path);
        absolute = true;
        break;
    }
    const auto question = target.find('?');
    // An absolute form may leave the path out.
    const auto path = question == 0 && absolute ? "/" : target.substr(0, question);
    http_target out;
    if (path.empty() || path.front() != '/' || !decoded_segments(path, out.path)) return std::nullopt;
    if (!valid_utf8(out.path)) return std::nullopt;
    for (const char c : out.path)
        if (control(c)) return std::nullopt;
    if (question == std::string_view::npos) return out;
    auto query = decode_form(target.substr(question + 1));
    if (!query) return std::nullopt;
    out.query = std::move(*query);
    return out;
}

std::map<std::string, std::string> decode_cookies(std::string_view header) {
    std::map<std::string, std::string> out;
    while (!header.empty()) {
        const auto end = header.find(';');
        const auto pair = trimmed(header.substr(0, end));
        header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0 || out.size() >= max_fields) continue;
        auto value = trimmed(pair.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        out.emplace(trimmed(pair.substr(0, equals)), value);
    }
    return out;
}

std::string head_fault(std::string_view head) {
    bool first = true;
    while (!head.empty()) {
        const auto end = head.find("\r\n");
        if (end == std::string_view::npos) return "a line does not end with CR LF";
        const auto line = head.substr(0, end);
        head.remove_prefix(end + 2);
        if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
            return "a line holds a bare CR, LF or NUL";
        if (line.empty() && first) return "the request line is empty";
        if (line.empty()) return head.empty() ? "" : "bytes after the empty line";
        if (!first) {
            if (line.front() == ' ' || line.front() == '\t') return "a header line is folded";
            const auto colon = line.find(':');
            if (colon == std::string_view::npos || colon == 0) return "a header line has no name";
            if (line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)
                return "a header's name holds a space";
        }
        first = false;
    }
    return "the head has no empty line at its end";
}

} // namespace zhida::io
