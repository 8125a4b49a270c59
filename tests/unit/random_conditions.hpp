// Random conditions and profiles over the real catalogue, as documents say them; few values, so that they
// meet.
#pragma once

#include "matching_support.hpp"

#include <rapidcheck/gtest.h>

#include <set>

namespace zhida::matching {

inline const std::int32_t today = day("2026-11-23");

inline std::string naive_months_ago(int n) { // from 2026-11-23, a day that every month has
    int y = 2026, m = 11 - 1 - n;
    while (m < 0) m += 12, --y;
    while (m > 11) m -= 12, ++y;
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02d-23", y, m + 1);
    return text;
}

inline json naive_literal(const json& j) {
    if (!j.is_object()) return j;
    if (j.contains("date")) return j.at("date");
    return naive_months_ago(j.at("args").at(0).get<int>());
}

inline const std::vector<std::string> subjects = {"ent.headcount",   "ent.revenue",      "ent.layoff_rate",
                                                  "ent.established", "ent.size",         "ent.industry_tags",
                                                  "ent.industry",    "ent.reg_division", "ent.blacklisted"};
inline const std::vector<std::string> industries = {"C", "C3", "C39", "C391", "C3911", "I65", "I6513", "C38"};
inline const std::vector<std::string> divisions = {"310000",       "310113", "310113003",
                                                   "310113003001", "310112", "141181"};

template <class T>
inline T pick(const std::vector<T>& from) {
    return *rc::gen::elementOf(from);
}
inline int number(int low, int high) {
    return *rc::gen::inRange(low, high + 1);
}

inline json random_terms(const attribute& a, std::size_t least) {
    json list = json::array();
    const auto count = static_cast<std::size_t>(number(static_cast<int>(least), 3));
    for (std::size_t i = 0; i < count; ++i)
        list.push_back(a.terms[static_cast<std::size_t>(number(0, 4)) % a.terms.size()].code);
    return list;
}

// As profiles say it.
inline json random_value(const attribute& a) {
    switch (a.kind) {
    case attribute_kind::boolean:
        return number(0, 1) == 1;
    case attribute_kind::integer:
        return number(0, 6);
    case attribute_kind::decimal:
        return number(0, 12) / 4.0;
    case attribute_kind::date:
        return naive_months_ago(number(-3, 3));
    case attribute_kind::term:
        return pick(a.terms).code;
    case attribute_kind::set: {
        const auto drawn = random_terms(a, 0).get<std::set<std::string>>();
        return json(drawn);
    }
    case attribute_kind::industry: {
        auto code = pick(industries);
        return code == "C3" ? "C39" : code; // a prefix, not a code
    }
    case attribute_kind::division:
        return pick(divisions);
    }
    return {};
}

// As conditions say it.
inline json random_literal(const attribute& a) {
    if (a.kind != attribute_kind::date) return random_value(a);
    if (number(0, 1) == 1) return op_of("monthsAgo", json::array({number(-3, 3)}));
    return {{"date", random_value(a)}};
}

inline json random_row() {
    json row = json::object();
    for (const auto& name : subjects)
        if (number(0, 3) != 0) row[name] = random_value(*the_catalogue().find(name));
    return row;
}

inline json random_leaf_on(const std::string& name, bool nulls) {
    const auto& a = *the_catalogue().find(name);
    const auto x = property(name.c_str());
    const int shape = number(0, 5);
    if (shape == 0 && nulls) return op_of("isNull", json::array({x}));
    if (a.kind == attribute_kind::set) {
        const auto op = pick<std::string>({"a_overlaps", "a_contains", "a_containedBy", "a_equals"});
        json args = {x, random_terms(a, 1)};
        if (shape == 1) args = {args[1], args[0]};
        return op_of(op.c_str(), args);
    }
    const bool code = a.kind == attribute_kind::industry || a.kind == attribute_kind::division;
    if (code && shape <= 2) {
        const auto pattern =
            a.kind == attribute_kind::industry
                ? pick<std::string>({"C%", "C3%", "C39%", "C391%", "I65%", "C39", "C3911%"})
                : pick<std::string>({"31%", "3101%", "310113%", "310113003%", "310113", "14%"});
        return op_of("like", {x, pattern});
    }
    if (shape == 3 && a.kind != attribute_kind::boolean) {
        json list = json::array();
        for (int i = number(1, 3); i > 0; --i)
            list.push_back(a.kind == attribute_kind::date ? json{{"date", random_value(a)}}
                                                          : random_value(a));
        return op_of("in", {x, list});
    }
    const bool ordered = a.kind == attribute_kind::integer || a.kind == attribute_kind::decimal ||
                         a.kind == attribute_kind::date;
    if (shape == 4 && ordered) {
        auto low = random_literal(a), high = random_literal(a);
        if (naive_literal(high) < naive_literal(low)) std::swap(low, high);
        return op_of("between", {x, low, high});
    }
    const auto op =
        ordered ? pick<std::string>({"=", "<>", "<", "<=", ">", ">="}) : pick<std::string>({"=", "<>"});
    json args = {x, random_literal(a)};
    if (shape == 5) args = {args[1], args[0]};
    return op_of(op.c_str(), args);
}

inline json random_leaf(bool nulls) {
    if (number(0, 12) == 0) return op_of("manual", json::array({"现场核查"}));
    return random_leaf_on(pick(subjects), nulls);
}

inline json random_tree(int depth, bool nulls = true) {
    const int shape = depth == 0 ? 3 : number(0, 5);
    if (shape > 2) return random_leaf(nulls);
    if (shape == 2) return op_of("not", json::array({random_tree(depth - 1, nulls)}));
    json args = json::array();
    for (int i = number(2, 4); i > 0; --i) args.push_back(random_tree(depth - 1, nulls));
    return op_of(shape == 0 ? "and" : "or", args);
}

} // namespace zhida::matching
