#include "common/model/document_reader.hpp"

#include <algorithm>

namespace zhida {

namespace {

bool letter_or_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool control(char c, document_reader::form form) noexcept {
    if (form == document_reader::form::prose && (c == '\n' || c == '\r' || c == '\t')) return false;
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string joined(std::initializer_list<std::string_view> names) {
    std::string all;
    for (const auto name : names) all += (all.empty() ? "" : ", ") + std::string(name);
    return all;
}

std::string not_a(const char* wanted, const json& value) {
    return std::string("must be ") + wanted + ", not " + value.type_name();
}

} // namespace

std::string shortened(std::string_view text) {
    constexpr std::size_t most = 60;
    if (text.size() <= most) return std::string(text);
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end)) + "…";
}

std::size_t characters(std::string_view utf8) noexcept {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool valid_link(std::string_view text) noexcept {
    if (text.size() > 2000) return false;
    if (text.starts_with("https://"))
        text.remove_prefix(8);
    else if (text.starts_with("http://"))
        text.remove_prefix(7);
    else
        return false;
    std::size_t at = 0;
    while (at < text.size() && (letter_or_digit(text[at]) || text[at] == '-' || text[at] == '.')) ++at;
    if (at == 0 || !letter_or_digit(text[0])) return false;
    if (at < text.size() && text[at] == ':') {
        const auto port = ++at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        if (at == port || at - port > 5) return false;
    }
    if (at == text.size()) return true;
    if (text[at] != '/' && text[at] != '?' && text[at] != '#') return false;
    constexpr std::string_view others = "-._~:/?#[]@!$&'()*+,;=%";
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                       [&](char c) { return letter_or_digit(c) || others.find(c) != others.npos; });
}

const json* document_reader::find(std::string_view name, bool required) {
    if (value().is_object())
        if (const auto found = value().find(name); found != value().end()) return &*found;
    if (required) error_at(name, "is missing", "add it");
    return nullptr;
}

std::string document_reader::words(std::string_view member, bool required, std::size_t most, form form) {
    const json* v = find(member, required);
    if (!v) return {};
    if (!v->is_string()) {
        error_at(member, not_a("a text", *v), "put it in quotes");
        return {};
    }
    const auto& text = v->get_ref<const std::string&>();
    if (required && text.empty()) error_at(member, "must not be empty", "write it");
    if (characters(text) > most) {
        error_at(member, "has " + std::to_string(characters(text)) + " characters",
                 "shorten it to " + std::to_string(most));
        return {};
    }
    if (std::any_of(text.begin(), text.end(), [form](char c) { return control(c, form); })) {
        error_at(member, "contains control characters",
                 form == form::line ? "write it as one line of plain text" : "write it as plain text");
        return {};
    }
    return text;
}

std::string document_reader::choice(std::string_view member, bool required,
                                    std::initializer_list<std::string_view> choices) {
    const json* v = find(member, required);
    if (!v) return {};
    if (!v->is_string()) {
        error_at(member, not_a("a text", *v), "one of: " + joined(choices));
        return {};
    }
    const auto& text = v->get_ref<const std::string&>();
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
        error_at(member, "'" + shortened(text) + "' is not allowed here", "one of: " + joined(choices));
        return {};
    }
    return text;
}

std::string document_reader::identifier(std::string_view member, std::size_t most) {
    const json* v = find(member, true);
    if (!v) return {};
    const std::string fix = "1 to " + std::to_string(most) + " letters, digits, dots, dashes or underscores";
    if (!v->is_string()) {
        error_at(member, not_a("a text", *v), fix);
        return {};
    }
    const auto& text = v->get_ref<const std::string&>();
    if (text.empty() || text.size() > most || !std::all_of(text.begin(), text.end(), [](char c) {
            return letter_or_digit(c) || c == '.' || c == '_' || c == '-';
        })) {
        error_at(member, "'" + shortened(text) + "' cannot be an id", fix);
        return {};
    }
    return text;
}

std::string document_reader::link(std::string_view member) {
    const json* v = find(member, false);
    if (!v) return {};
    if (!v->is_string()) {
        error_at(member, not_a("a text", *v), "an address that starts with https:// or http://");
        return {};
    }
    const auto& text = v->get_ref<const std::string&>();
    if (text.empty()) return {};
    if (!valid_link(text)) {
        error_at(
            member, "'" + shortened(text) + "' is not a web address",
            "an address that starts with https:// or http://, without spaces, Chinese letters or a user name "
            "(percent-encode them)");
        return {};
    }
    return text;
}

std::optional<std::int32_t> document_reader::day(std::string_view member) {
    const json* v = find(member, false);
    if (!v) return std::nullopt;
    if (!v->is_string()) {
        error_at(member, not_a("a date", *v), "write it as \"2026-11-23\"");
        return std::nullopt;
    }
    return date(member, false);
}

std::vector<std::string> document_reader::lines(std::string_view member, std::size_t most_items,
                                                std::size_t most) {
    std::vector<std::string> out;
    const json* entries = list(member, false, 0, most_items);
    if (!entries) return out;
    for (std::size_t i = 0; i < entries->size(); ++i) {
        // A text has no members: it is read as the one member of an object of our own, with its own pointer.
        const auto index = std::to_string(i);
        const json holder = {{index, (*entries)[i]}};
        document_reader one(holder, at(member), errors());
        out.push_back(one.words(index, true, most));
    }
    return out;
}

const json* document_reader::list(std::string_view member, bool required, std::size_t least,
                                  std::size_t most) {
    const json* v = find(member, required);
    if (!v) return nullptr;
    if (!v->is_array()) {
        error_at(member, not_a("a list", *v), "write it in [ ]");
        return nullptr;
    }
    if (v->size() < least || v->size() > most) {
        error_at(member, "has " + std::to_string(v->size()) + " entries",
                 std::to_string(least) + " to " + std::to_string(most) + " are allowed");
        return nullptr;
    }
    return v;
}

const json* document_reader::table(std::string_view member, bool required) {
    const json* v = find(member, required);
    if (!v) return nullptr;
    if (!v->is_object()) {
        error_at(member, not_a("an object", *v), "write it in { }");
        return nullptr;
    }
    return v;
}

void document_reader::known(std::initializer_list<std::string_view> names) {
    if (!value().is_object()) return;
    for (const auto& [name, unused] : value().items()) {
        if (name.starts_with("x-") || std::find(names.begin(), names.end(), name) != names.end()) continue;
        error_at(name, "is not a known member", "known here: " + joined(names) + "; your own start with x-");
    }
}

} // namespace zhida
