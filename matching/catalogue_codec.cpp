// Between what documents and people say and the coded numbers of a row (common/model/profile.hpp).
#include "common/base/clock.hpp"
#include "matching/catalogue.hpp"
#include "matching/decimal.hpp"
#include "matching/near.hpp"

#include <algorithm>

namespace zhida::matching {

namespace {

failure refused(std::string what, std::string fix) {
    return {errc::invalid, std::move(what), "", std::move(fix)};
}

bool all_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

std::string with_unit(const attribute& a, const std::string& number) {
    if (a.unit.empty()) return number;
    return a.unit == "%" ? number + "%" : number + " " + a.unit;
}

std::string expected_number(const attribute& a) {
    std::string text = a.kind == attribute_kind::integer ? "a whole number" : "a number";
    if (a.decimals > 0) text += " with at most " + std::to_string(a.decimals) + " decimals";
    if (a.low > -largest_coded || a.high < largest_coded)
        text += " from " + format_decimal(a.low, a.decimals) + " to " +
                with_unit(a, format_decimal(a.high, a.decimals));
    return text;
}

result<std::int64_t> checked_number(const attribute& a, decimal_error why, std::int64_t value,
                                    std::string_view said) {
    if (why == decimal_error::none && value >= a.low && value <= a.high) return value;
    const char* what = why == decimal_error::none || why == decimal_error::out_of_range ? " is out of range"
                       : why == decimal_error::too_many_decimals && a.decimals > 0 ? " has too many decimals"
                       : why == decimal_error::too_many_decimals                   ? " is not a whole number"
                                                                                   : " is not a number";
    return refused(in_quotes(said) + what, expected_number(a));
}

result<std::int64_t> encode_term(const attribute& a, std::string_view code) {
    if (const auto* t = a.find_term(code)) return t->number;
    std::vector<candidate> candidates;
    candidates.reserve(a.terms.size());
    for (const auto& t : a.terms) candidates.push_back({t.code, t.label});
    std::string all;
    const auto near = nearest(code, candidates, 3);
    if (!near.empty()) {
        for (const auto i : near) all += (all.empty() ? "near it: " : ", ") + a.terms[i].code;
    } else {
        for (std::size_t i = 0; i < a.terms.size() && i < 8; ++i)
            all += (all.empty() ? "one of " : ", ") + a.terms[i].code;
        if (a.terms.size() > 8) all += " ...";
    }
    return refused(in_quotes(code) + " is not a term of " + a.name, all);
}

result<std::int64_t> encode_date(std::string_view text) {
    std::int32_t day = 0;
    if (parse_date(text, day)) return day;
    return refused(in_quotes(text) + " is not a date", "write it as 2026-11-23");
}

failure wrong_type(const attribute& a, const json& value, const char* expected) {
    return refused(in_quotes(to_text(value)) + " is not a value of " + a.name, expected);
}

} // namespace

result<std::int64_t> catalogue::encode_code(const attribute& a, std::string_view text) const {
    const bool industry = a.kind == attribute_kind::industry;
    const auto& list = industry ? industries_ : divisions_;
    if (list.find(text)) return industry ? pack_code(text) : std::stoll(std::string(text));
    if (industry && all_digits(text))
        for (char section = 'A'; section <= 'T'; ++section) // numbers are unique across the sections
            if (const auto code = section + std::string(text); list.find(code)) return pack_code(code);
    // Statistical tables fill codes to twelve digits: 310113000000, 310113003000.
    if (!industry && text.size() == 12 && all_digits(text))
        for (const std::size_t length : {9U, 6U})
            if (text.find_first_not_of('0', length) == text.npos && list.find(text.substr(0, length)))
                return std::stoll(std::string(text.substr(0, length)));
    std::string fix;
    for (const auto& code : list.near(text))
        fix += (fix.empty() ? "near it: " : ", ") + code + " " + list.find(code)->name;
    if (fix.empty())
        fix = industry ? "a code as C, C39, C391 or C3911"
                       : "a code as 310000, 310113, 310113003 or 310113003001";
    return refused(in_quotes(text) + (industry ? " is not a code of GB/T 4754-2017 (industries.csv)"
                                               : " is not a division code (divisions.csv)"),
                   fix);
}

result<std::int64_t> catalogue::encode(const attribute& a, const json& value) const {
    const auto* text = value.get_ptr<const std::string*>();
    switch (a.kind) {
    case attribute_kind::boolean:
        if (!value.is_boolean()) return wrong_type(a, value, "true or false");
        return value.get<bool>() ? 1 : 0;
    case attribute_kind::integer:
    case attribute_kind::decimal: {
        if (!value.is_number()) return wrong_type(a, value, expected_number(a).c_str());
        std::int64_t coded = 0;
        const auto said = to_text(value);
        const auto why = value.is_number_float() ? parse_decimal(value.get<double>(), a.decimals, coded)
                                                 : parse_decimal(said, a.decimals, coded);
        return checked_number(a, why, coded, said);
    }
    case attribute_kind::date:
        if (!text) return wrong_type(a, value, "a date as \"2026-11-23\"");
        return encode_date(*text);
    case attribute_kind::term:
        if (!text) return wrong_type(a, value, "a term, as a text");
        return encode_term(a, *text);
    case attribute_kind::set: {
        if (!value.is_array()) return wrong_type(a, value, "a list of terms");
        std::int64_t mask = 0;
        for (const auto& item : value) {
            if (!item.is_string()) return wrong_type(a, item, "a term, as a text");
            const auto number = encode_term(a, item.get_ref<const std::string&>());
            if (!number) return number.error();
            mask |= std::int64_t{1} << *number;
        }
        return mask;
    }
    case attribute_kind::industry:
    case attribute_kind::division:
        if (!text) return wrong_type(a, value, "a code, as a text");
        return encode_code(a, *text);
    }
    return wrong_type(a, value, "");
}

result<std::int64_t> catalogue::encode_cell(const attribute& a, std::string_view cell) const {
    cell = trimmed(cell);
    if (cell.empty()) return refused("the cell is empty", "an empty cell is a value that is not known");
    switch (a.kind) {
    case attribute_kind::boolean:
        for (const auto* yes : {"true", "TRUE", "True", "是"})
            if (cell == yes) return 1;
        for (const auto* no : {"false", "FALSE", "False", "否"})
            if (cell == no) return 0;
        return refused(in_quotes(cell) + " is not a value of " + a.name, "true, false, 是 or 否");
    case attribute_kind::integer:
    case attribute_kind::decimal: {
        std::int64_t coded = 0;
        const auto why = parse_decimal(cell, a.decimals, coded);
        return checked_number(a, why, coded, cell);
    }
    case attribute_kind::date:
        return encode_date(cell);
    case attribute_kind::term:
        return encode_term(a, cell);
    case attribute_kind::set: {
        if (cell == "无") return 0; // known to have none, unlike an empty cell
        std::int64_t mask = 0;
        constexpr std::string_view wide = "；";
        while (!cell.empty()) {
            const auto narrow_at = cell.find(';'), wide_at = cell.find(wide);
            const auto at = std::min(narrow_at, wide_at);
            const auto code = trimmed(cell.substr(0, at));
            cell.remove_prefix(at == cell.npos ? cell.size() : at + (at == wide_at ? wide.size() : 1));
            if (code.empty()) continue;
            const auto number = encode_term(a, code);
            if (!number) return number.error();
            mask |= std::int64_t{1} << *number;
        }
        return mask;
    }
    case attribute_kind::industry:
    case attribute_kind::division:
        return encode_code(a, cell);
    }
    return refused(in_quotes(cell) + " is not a value of " + a.name, "");
}

json catalogue::decode(const attribute& a, std::int64_t value) const {
    switch (a.kind) {
    case attribute_kind::boolean:
        return value != 0;
    case attribute_kind::integer:
        return value;
    case attribute_kind::decimal: {
        const auto text = format_decimal(value, a.decimals);
        if (text.find('.') == text.npos) return static_cast<std::int64_t>(std::stoll(text));
        return std::stod(text); // the double nearest to it, which is written as it was
    }
    case attribute_kind::date:
        return format_date(static_cast<std::int32_t>(value));
    case attribute_kind::term: {
        const auto* t = a.find_term(static_cast<int>(value));
        return t ? json(t->code) : json(); // a term that the catalogue no longer has
    }
    case attribute_kind::set: {
        auto list = json::array();
        for (const auto& t : a.terms)
            if (value >> t.number & 1) list.push_back(t.code);
        return list;
    }
    case attribute_kind::industry:
        return unpack_code(value);
    case attribute_kind::division:
        return std::to_string(value);
    }
    return {};
}

std::string catalogue::display(const attribute& a, std::int64_t value) const {
    switch (a.kind) {
    case attribute_kind::boolean:
        return value != 0 ? "是" : "否";
    case attribute_kind::integer:
    case attribute_kind::decimal:
        return with_unit(a, format_decimal(value, a.decimals));
    case attribute_kind::date:
        return format_date(static_cast<std::int32_t>(value));
    case attribute_kind::term: {
        const auto* t = a.find_term(static_cast<int>(value));
        return t ? t->label : "#" + std::to_string(value);
    }
    case attribute_kind::set: {
        std::string text;
        for (const auto& t : a.terms)
            if (value >> t.number & 1) text += (text.empty() ? "" : "、") + t.label;
        return text.empty() ? "无" : text;
    }
    case attribute_kind::industry: {
        const auto code = unpack_code(value);
        const auto path = industries_.path_name(code);
        return path.empty() ? code : path;
    }
    case attribute_kind::division: {
        std::string text;
        for (const auto& name : divisions_.names(std::to_string(value))) text += name;
        return text.empty() ? std::to_string(value) : text;
    }
    }
    return {};
}

} // namespace zhida::matching
