// Links in a plain text, as a phone finds them and makes them something to tap on. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zhida {

struct text_link {
    std::string shown; // as it stands in the text
    std::string host;  // in lower case, its dots plain; "" where nobody can tell which host it leads to
    bool operator==(const text_link&) const = default;
};

// In their order: whatever has a scheme ("https://…", "weixin://…"), begins with "www.", or is a bare domain
// (abc.com, abc.网址, xn--….com) or has a path behind a domain (abc.zzz/x, 1.2.3.4/x), with full-width
// letters and dots as well (ａｂｃ．com, abc。com; UTS #46 §4 reads them so). Not 3.5万, V1.2, Node.js, an
// e-mail address. Where in doubt it is one.
std::vector<text_link> links_in(std::string_view utf8);

// The domain itself, or one below it.
bool within_domain(std::string_view host, std::string_view domain) noexcept;

// Characters that nobody sees and that hide what is written: controls, zero-width ones, those that turn the
// direction. The first of them as "U+200B"; "" where there is none. Bytes that are not UTF-8: "U+FFFD".
std::string hidden_character(std::string_view utf8);

} // namespace zhida
