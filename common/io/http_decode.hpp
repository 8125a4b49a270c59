// Decoding what a peer wrote in a request: targets, queries, cookies, the shape of the head. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zhida::io {

// RFC 3986 2.1. Nothing where an escape is broken or decodes to NUL. plus_is_space: as HTML forms write it.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

// Escapes everything but RFC 3986 unreserved characters.
std::string percent_encode(std::string_view text);

// "a=1&b=%E4%B8%AD" of a query or of a form's body; the last one of a name wins. Nothing where an escape is
// broken, the bytes are not UTF-8 or there are more than 256 fields.
std::optional<std::map<std::string, std::string>> decode_form(std::string_view text);

struct http_target {
    std::string path; // decoded, begins with '/'
    std::map<std::string, std::string> query;
};
// Origin form, or absolute form whose authority is dropped (RFC 9112 3.2). Nothing for any other form, a
// broken escape, bytes that are not UTF-8, control characters, an escaped slash, "." and ".." segments.
std::optional<http_target> decode_target(std::string_view target);

// RFC 6265 4.2.1, lenient: pairs without '=' are left out, the first one of a name wins.
std::map<std::string, std::string> decode_cookies(std::string_view header);

// What is wrong with the bytes of a request's head (request line to the empty line, both included), empty
// where they are well formed: bare CR or LF, folded lines (RFC 9112 5.2), NUL, spaces before a colon. Other
// servers on the way may read such bytes differently, which is how requests are smuggled.
std::string head_fault(std::string_view head);

} // namespace zhida::io
