#include "services/gateways/cloud_entry.hpp"

#include "common/base/utf8.hpp"

namespace zhida::gateways {

namespace {

wall_time plausible(wall_time at, wall_time now) {
    constexpr wall_time year_2000(milliseconds(946'684'800'000)), year_2100(milliseconds(4'102'444'800'000));
    return at < year_2000 || at > year_2100 ? now : at;
}

// The code unit of "\uXXXX" at this place; nothing: it is none.
std::optional<unsigned> unit_at(std::string_view text, std::size_t at) {
    if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
    unsigned value = 0;
    for (const char c : text.substr(at + 2, 4)) {
        const auto digit =
            std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
        if (digit == std::string_view::npos) return std::nullopt;
        value = value * 16 + static_cast<unsigned>(digit);
    }
    return value;
}

std::string without_broken_characters(std::string_view body) {
    std::string whole;
    for (;;) {
        const auto good = valid_utf8_prefix(body);
        whole += body.substr(0, good);
        if (good == body.size()) break;
        whole += "\xEF\xBF\xBD";
        body.remove_prefix(good + 1);
    }
    const auto surrogate = [](std::optional<unsigned> u, unsigned first) {
        return u && *u >= first && *u < first + 0x400;
    };
    for (std::size_t at = 0; at < whole.size(); ++at) {
        if (whole[at] != '\\') continue;
        const auto unit = unit_at(whole, at);
        if (surrogate(unit, 0xD800) && surrogate(unit_at(whole, at + 6), 0xDC00)) {
            at += 11;
        } else if (surrogate(unit, 0xD800) || surrogate(unit, 0xDC00)) {
            whole.replace(at + 2, 4, "fffd");
            at += 5;
        } else {
            ++at; // the character that is escaped
        }
    }
    return whole;
}

} // namespace

std::string text_if_any(json_reader& in, std::string_view member, std::size_t most_bytes) {
    if (!in.has(member)) return "";
    const auto& value = in[member].value();
    if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
    if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
    const auto* text = value.get_ptr<const std::string*>();
    if (!text) return "";
    return text->substr(0, valid_utf8_prefix(std::string_view(*text).substr(0, most_bytes)));
}

wall_time time_if_any(json_reader& in, std::string_view member, wall_time now) {
    auto text = text_if_any(in, member, 32);
    if (text.size() == 19 && text[10] == ' ') text[10] = 'T';
    wall_time at{};
    return parse_rfc3339(text + "+08:00", at) ? plausible(at, now) : now;
}

wall_time seconds_if_any(json_reader& in, std::string_view member, wall_time now) {
    if (!in.has(member)) return now;
    const auto& value = in[member].value();
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 4'102'444'800) return now;
    return plausible(wall_time(milliseconds(value.get<std::int64_t>() * 1000)), now);
}

result<json> parse_pushed(std::string_view body) {
    auto read = parse_json(body);
    return read ? read : parse_json(without_broken_characters(body));
}

} // namespace zhida::gateways
