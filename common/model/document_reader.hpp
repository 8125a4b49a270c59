// What the documents that departments publish have in common, on top of json_reader: texts measured in
// characters, closed lists of words, links, and members whose names start with "x-", which anybody may add.
#pragma once

#include "common/base/json.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida {

// Characters (code points) of a UTF-8 text.
std::size_t characters(std::string_view utf8) noexcept;

// For messages: the first 60 bytes or so, cut between characters.
std::string shortened(std::string_view text);

// http:// or https://, a host name, an optional port, then only characters of RFC 3986: no user name, no
// spaces, no quotes. At most 2,000 bytes. So that a page may show it and nobody is sent elsewhere.
bool valid_link(std::string_view text) noexcept;

class document_reader : public json_reader {
  public:
    using json_reader::json_reader;

    enum class form { line, prose }; // prose may have line breaks and tabs
    // At most `most` characters, no control characters; one that is required must not be empty.
    // Absent or wrong: "" (wrong ones are reported).
    std::string words(std::string_view member, bool required, std::size_t most, form = form::line);
    // One of the choices, "" where absent or wrong.
    std::string choice(std::string_view member, bool required,
                       std::initializer_list<std::string_view> choices);
    // Letters, digits, dot, dash, underscore; 1 to `most` of them.
    std::string identifier(std::string_view member, std::size_t most);
    std::string link(std::string_view member);
    std::optional<std::int32_t> day(std::string_view member);
    // A list of 0 to `most_items` texts of 1 to `most` characters.
    std::vector<std::string> lines(std::string_view member, std::size_t most_items, std::size_t most);
    // The list or object itself; reports other types with what to do.
    const json* list(std::string_view member, bool required, std::size_t least, std::size_t most);
    const json* table(std::string_view member, bool required);
    // Refuses members that are neither listed nor named "x-...".
    void known(std::initializer_list<std::string_view> names);

    document_reader child(std::string_view member) {
        return {value().at(std::string(member)), at(member), errors()};
    }

  private:
    const json* find(std::string_view name, bool required);
};

} // namespace zhida
