// The leaves of a condition: which operator may ask what of which attribute, and the literals as coded
// numbers.
#include "matching/condition_compiler.hpp"
#include "matching/decimal.hpp"
#include "matching/near.hpp"

#include "common/base/clock.hpp"

#include <algorithm>

namespace zhida::matching {

namespace {

constexpr int most_months = 1200;
constexpr std::size_t longest_manual = 1000; // bytes

std::string at(const std::string& pointer, std::size_t argument) {
    return pointer + "/args/" + std::to_string(argument);
}

std::string plural(subject_type subject) {
    return std::string(to_string(subject)) + "s";
}

bool is_code(const attribute& a) {
    return a.kind == attribute_kind::industry || a.kind == attribute_kind::division;
}

// What may be asked of the attribute instead.
std::string operators_for(attribute_kind kind) {
    switch (kind) {
    case attribute_kind::boolean:
        return "= <> isNull";
    case attribute_kind::integer:
    case attribute_kind::decimal:
    case attribute_kind::date:
        return "= <> < <= > >= between in isNull";
    case attribute_kind::term:
        return "= <> in isNull";
    case attribute_kind::set:
        return "a_overlaps a_contains a_containedBy a_equals isNull";
    case attribute_kind::industry:
    case attribute_kind::division:
        return "= <> in like isNull";
    }
    return "";
}

op flipped(op what) {
    switch (what) {
    case op::compare_lt:
        return op::compare_gt;
    case op::compare_le:
        return op::compare_ge;
    case op::compare_gt:
        return op::compare_lt;
    case op::compare_ge:
        return op::compare_le;
    case op::contains:
        return op::contained_by;
    case op::contained_by:
        return op::contains;
    default:
        return what;
    }
}

// The coded numbers of the codes that begin with a prefix, as pairs low, high.
std::vector<std::int64_t> ranges_below(const attribute& a, const std::string& prefix) {
    if (a.kind == attribute_kind::industry) {
        const auto free_bits = 8 * (8 - prefix.size());
        const auto low = pack_code(prefix);
        return {low, low | static_cast<std::int64_t>((std::uint64_t{1} << free_bits) - 1)};
    }
    std::vector<std::int64_t> out;
    for (const std::size_t length : {6U, 9U, 12U}) {
        if (prefix.size() > length) continue;
        std::int64_t step = 1;
        for (auto i = prefix.size(); i < length; ++i) step *= 10;
        const auto low = std::stoll(prefix) * step;
        out.insert(out.end(), {low, low + step - 1});
    }
    return out;
}

} // namespace

bool condition_compiler::predicate(const json& args, node& out) {
    switch (out.what) {
    case op::between:
        return between(args, out);
    case op::in_list:
        return in_list(args, out);
    case op::prefix:
        return like(args, out);
    case op::is_null:
        return is_null(args, out);
    case op::manual:
        return manual(args, out);
    case op::overlaps:
    case op::contains:
    case op::contained_by:
    case op::equals:
        return set_operator(args, out);
    default:
        return comparison(args, out);
    }
}

bool condition_compiler::count_is(const json& args, std::size_t wanted, const node& n, const char* form) {
    if (args.size() == wanted) return true;
    return error(n.pointer + "/args",
                 std::string("\"") + to_string(n.what) + "\" takes " + std::to_string(wanted) +
                     " args, not " + std::to_string(args.size()),
                 form);
}

const attribute* condition_compiler::property(const json& j, const std::string& pointer) {
    const auto refuse = [&](std::string what, std::string fix) {
        error(pointer, std::move(what), std::move(fix));
        return nullptr;
    };
    if (!has_property(j)) return refuse("must be a property", R"(write {"property": "ent.headcount"})");
    const auto& name = j.at("property");
    if (!name.is_string())
        return refuse("the property's name must be a text", R"(write {"property": "ent.headcount"})");
    if (!known_members(j, {"property"}, pointer)) return nullptr;
    const auto& text = name.get_ref<const std::string&>();
    const auto* a = catalogue_.find(text);
    if (!a) {
        std::string near;
        for (const auto& n : catalogue_.near(text))
            near += (near.empty() ? "near it: " : ", ") + n + " " + catalogue_.find(n)->label;
        return refuse("unknown attribute " + in_quotes(text),
                      near.empty() ? "the catalogue lists them: attributes.json" : near);
    }
    if (a->subject != subject_)
        return refuse("attribute " + a->name + " is of " + plural(a->subject) + ", the item is for " +
                          plural(subject_),
                      "use an attribute of " + plural(subject_) + ", or change the item's subject");
    return a;
}

bool condition_compiler::kind_fits(const node& n) {
    const auto& a = *n.subject;
    const bool ordered = a.kind == attribute_kind::integer || a.kind == attribute_kind::decimal ||
                         a.kind == attribute_kind::date;
    const bool set = a.kind == attribute_kind::set;
    bool good = false;
    switch (n.what) {
    case op::compare_eq:
    case op::compare_ne:
        good = !set;
        break;
    case op::in_list:
        good = !set && a.kind != attribute_kind::boolean;
        break;
    case op::prefix:
        good = is_code(a);
        break;
    case op::overlaps:
    case op::contains:
    case op::contained_by:
    case op::equals:
        good = set;
        break;
    case op::is_null:
        good = true;
        break;
    default:
        good = ordered;
    }
    return good || error(n.pointer,
                         std::string("\"") + to_string(n.what) + "\" cannot be asked of " + a.name + " (" +
                             a.label + "), of type " + to_string(a.kind),
                         "of it: " + operators_for(a.kind));
}

std::optional<condition_compiler::literal> condition_compiler::read_months_ago(const json& j,
                                                                               const std::string& pointer) {
    const auto args = j.find("args");
    const bool good =
        args != j.end() && args->is_array() && args->size() == 1 && (*args)[0].is_number_integer();
    if (!known_members(j, {"op", "args"}, pointer)) return std::nullopt;
    // As a text, since a number above INT64_MAX compares as a negative one.
    std::int64_t months = 0;
    const bool in_range = good && parse_decimal(to_text((*args)[0]), 0, months) == decimal_error::none &&
                          months >= -most_months && months <= most_months;
    if (!in_range) {
        error(pointer + (good ? "/args/0" : ""), "monthsAgo takes one whole number of months",
              "from -" + std::to_string(most_months) + " to " + std::to_string(most_months) +
                  R"(, as {"op": "monthsAgo", "args": [24]})");
        return std::nullopt;
    }
    return literal{months, true};
}

std::optional<condition_compiler::literal> condition_compiler::read_literal(const attribute& a, const json& j,
                                                                            const std::string& pointer) {
    const auto refuse = [&](std::string what, std::string fix) {
        error(pointer, std::move(what), std::move(fix));
        return std::nullopt;
    };
    if (j.is_null()) return refuse("nothing compares with null", "ask with isNull");
    if (has_property(j))
        return refuse("a property cannot be compared with another", "compare it with a value");
    if (a.kind == attribute_kind::date) {
        constexpr auto form = R"(write {"date": "2026-11-23"} or {"op": "monthsAgo", "args": [24]})";
        if (!j.is_object()) return refuse(in_quotes(to_text(j)) + " is not a date literal", form);
        if (j.contains("op") && j.at("op") == "monthsAgo") return read_months_ago(j, pointer);
        if (!j.contains("date")) return refuse("is not a date literal", form);
        if (!known_members(j, {"date"}, pointer)) return std::nullopt;
        const auto& text = j.at("date");
        const auto day = catalogue_.encode(a, text);
        if (!day) {
            error(pointer + "/date", day.error().what, day.error().fix);
            return std::nullopt;
        }
        return literal{*day, false};
    }
    if (j.is_object())
        return refuse("must be a value of " + a.name + ", of type " + to_string(a.kind),
                      j.contains("date") || j.contains("op")
                          ? "only dates compare with a date or monthsAgo, and nothing with an expression"
                          : "write the value itself");
    const auto coded = catalogue_.encode(a, j);
    if (!coded) return refuse(coded.error().what, coded.error().fix);
    return literal{*coded, false};
}

bool condition_compiler::comparison(const json& args, node& out) {
    if (!count_is(args, 2, out, R"(write "args": [{"property": ...}, value])")) return false;
    const bool swapped = !has_property(args[0]) && has_property(args[1]);
    const std::size_t subject = swapped ? 1 : 0, value = swapped ? 0 : 1;
    out.subject = property(args[subject], at(out.pointer, subject));
    if (!out.subject || !kind_fits(out)) return false;
    const auto v = read_literal(*out.subject, args[value], at(out.pointer, value));
    if (!v) return false;
    add(out, *v);
    if (swapped) out.what = flipped(out.what);
    return true;
}

bool condition_compiler::between(const json& args, node& out) {
    if (!count_is(args, 3, out, R"(write "args": [{"property": ...}, low, high])")) return false;
    out.subject = property(args[0], at(out.pointer, 0));
    if (!out.subject || !kind_fits(out)) return false;
    const auto low = read_literal(*out.subject, args[1], at(out.pointer, 1));
    const auto high = read_literal(*out.subject, args[2], at(out.pointer, 2));
    if (!low || !high) return false;
    // More months ago is earlier. A date and monthsAgo do not compare until `today` is known.
    if (low->months == high->months && (low->months ? low->value < high->value : low->value > high->value))
        return error(at(out.pointer, 1), "the lower bound is above the upper one: nothing lies between",
                     "write the lower bound first");
    add(out, *low);
    add(out, *high);
    return true;
}

bool condition_compiler::list_is_short(const json& list, const std::string& pointer, const char* fix) {
    if (list.size() > limits_.list_items)
        return error(pointer, "a list of more than " + std::to_string(limits_.list_items) + " values", fix,
                     errc::exhausted);
    listed_ += list.size();
    if (listed_ > limits_.all_items)
        return error(pointer,
                     "the lists of the condition have more than " + std::to_string(limits_.all_items) +
                         " values together",
                     fix, errc::exhausted);
    return true;
}

bool condition_compiler::in_list(const json& args, node& out) {
    constexpr auto form = R"(write "args": [{"property": ...}, [value, value]])";
    if (!count_is(args, 2, out, form)) return false;
    out.subject = property(args[0], at(out.pointer, 0));
    if (!out.subject || !kind_fits(out)) return false;
    const auto list = at(out.pointer, 1);
    if (!args[1].is_array()) return error(list, "must be a list of values", form);
    if (args[1].empty()) return error(list, "the list is empty: nothing is in it", "name the values");
    if (!list_is_short(args[1], list, "use like, between or several conditions")) return false;
    bool good = true;
    for (std::size_t i = 0; i < args[1].size() && !full(); ++i) {
        const auto item = list + "/" + std::to_string(i);
        const auto v = read_literal(*out.subject, args[1][i], item);
        if (v && v->months) error(item, "monthsAgo cannot be in a list", "compare with it");
        good = good && v && !v->months;
        if (good) out.values.push_back(v->value);
    }
    std::sort(out.values.begin(), out.values.end());
    out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
    out.value_is_months.assign(out.values.size(), false);
    return good;
}

bool condition_compiler::like(const json& args, node& out) {
    constexpr auto form = R"(write "args": [{"property": ...}, "C39%"])";
    if (!count_is(args, 2, out, form)) return false;
    out.subject = property(args[0], at(out.pointer, 0));
    if (!out.subject || !kind_fits(out)) return false;
    const auto& a = *out.subject;
    const auto where = at(out.pointer, 1);
    if (!args[1].is_string()) return error(where, "the pattern must be a text", form);
    auto prefix = args[1].get<std::string>();
    const auto special = prefix.find_first_of("%_\\");
    if (special == prefix.npos) { // a pattern without % is equality
        out.what = op::compare_eq;
        const auto v = read_literal(a, args[1], where);
        if (v) add(out, *v);
        return v.has_value();
    }
    if (special + 1 != prefix.size() || prefix.back() != '%')
        return error(where, "pattern " + in_quotes(prefix) + " is not a prefix",
                     "one % at the end, as C39% or 310113%");
    prefix.pop_back();
    if (prefix.empty())
        return error(where, "the pattern matches every code", "name a prefix, or ask with isNull");

    const bool industry = a.kind == attribute_kind::industry;
    const auto& list = industry ? catalogue_.industries() : catalogue_.divisions();
    const code_entry* only = nullptr;
    if (!list.any_below(prefix, &only)) {
        std::string fix;
        for (const auto& code : list.near(prefix))
            fix += (fix.empty() ? "near it: " : ", ") + code + "% " + list.find(code)->name;
        // "39%" is meant as the numbers are used, without their section.
        if (const auto whole = industry ? catalogue_.encode(a, prefix) : result<std::int64_t>(failure{});
            whole)
            fix = "write " + unpack_code(*whole) + "%";
        return error(where, "no code begins with " + in_quotes(prefix),
                     fix.empty() ? "see the code list" : fix);
    }
    // A province or city with its trailing zeros covers itself alone, which nobody means.
    if (only && !industry && only->level <= 2)
        if (const auto own = 2 * static_cast<std::size_t>(only->level); prefix.size() > own)
            return error(where,
                         in_quotes(prefix + "%") + " matches the code " + only->code +
                             " alone, not what lies in " + only->name,
                         "write " + prefix.substr(0, own) + "%");
    out.values = ranges_below(a, prefix);
    out.value_is_months.assign(out.values.size(), false);
    out.texts.push_back(std::move(prefix));
    return true;
}

bool condition_compiler::set_operator(const json& args, node& out) {
    constexpr auto form = R"(write "args": [{"property": ...}, [term, term]])";
    if (!count_is(args, 2, out, form)) return false;
    const bool swapped = !has_property(args[0]) && has_property(args[1]);
    const std::size_t subject = swapped ? 1 : 0, value = swapped ? 0 : 1;
    out.subject = property(args[subject], at(out.pointer, subject));
    if (!out.subject || !kind_fits(out)) return false;
    if (swapped) out.what = flipped(out.what);
    const auto list = at(out.pointer, value);
    const auto& terms = args[value];
    if (has_property(terms))
        return error(list, "a property cannot be compared with another", "compare it with a list");
    if (!terms.is_array()) return error(list, "must be a list of terms", form);
    if (!list_is_short(terms, list, "a set has at most 63 terms")) return false;
    if (terms.empty() && (out.what == op::overlaps || out.what == op::contains))
        return error(list, "the list is empty: the answer would be the same for everyone", "name the terms");
    std::int64_t mask = 0;
    bool good = true;
    for (std::size_t i = 0; i < terms.size() && !full(); ++i) {
        const auto bits = catalogue_.encode(*out.subject, json::array({terms[i]}));
        if (bits)
            mask |= *bits;
        else
            good = error(list + "/" + std::to_string(i), bits.error().what, bits.error().fix);
    }
    add(out, {mask, false});
    return good;
}

bool condition_compiler::is_null(const json& args, node& out) {
    if (!count_is(args, 1, out, R"(write "args": [{"property": ...}])")) return false;
    out.subject = property(args[0], at(out.pointer, 0));
    return out.subject != nullptr;
}

bool condition_compiler::manual(const json& args, node& out) {
    has_manual_ = true;
    if (!count_is(args, 1, out, R"(write "args": ["what is to be checked by hand"])")) return false;
    const auto where = at(out.pointer, 0);
    if (!args[0].is_string() || args[0].get_ref<const std::string&>().empty())
        return error(where, "must be a text", "say what is to be checked by hand");
    const auto& text = args[0].get_ref<const std::string&>();
    if (text.size() > longest_manual)
        return error(where, "is longer than " + std::to_string(longest_manual) + " bytes", "say it shorter");
    out.texts.push_back(text);
    return true;
}

} // namespace zhida::matching
