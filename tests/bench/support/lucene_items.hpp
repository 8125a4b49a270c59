// Items and profiles in the form that tests/bench/peers/lucene/LuceneMonitor.java reads.
#pragma once

#include "common/base/clock.hpp"
#include "matching/catalogue.hpp"

#include <stdexcept>

namespace zhida::bench {

// cql: of reverse_items. Months are resolved on `day`.
inline json lucene_test(const json& cql, std::int32_t day) {
    const auto op = cql.at("op").get<std::string>();
    const auto& args = cql.at("args");
    if (op == "and" || op == "or") {
        json tests = json::array();
        for (const auto& a : args) tests.push_back(lucene_test(a, day));
        return {{op == "and" ? "all" : "any_of", std::move(tests)}};
    }
    json test = {{"attr", args.at(0).at("property")}};
    const auto number = [&](const json& v) {
        if (!v.is_object()) return v;
        return json(add_months(day, -v.at("args").at(0).get<int>()));
    };
    if (op == "like") {
        const auto pattern = args.at(1).get<std::string>();
        test["prefix"] = pattern.substr(0, pattern.size() - 1);
    } else if (op == "in") {
        test["in"] = args.at(1);
    } else if (op == "=") {
        test["eq"] = args.at(1);
    } else if (op == "a_overlaps") {
        test["any"] = args.at(1);
    } else if (op == "a_contains") {
        json each = json::array();
        for (const auto& term : args.at(1)) each.push_back({{"attr", test["attr"]}, {"eq", term}});
        return {{"all", std::move(each)}};
    } else if (op == "between") {
        test["low"] = number(args.at(1));
        test["high"] = number(args.at(2));
    } else if (op == "<=" || op == ">=") {
        test[op == "<=" ? "high" : "low"] = number(args.at(1));
    } else {
        throw std::invalid_argument("Lucene is not asked for " + op);
    }
    return test;
}

inline json lucene_profile(const attribute_row& row, const matching::catalogue& c) {
    json out = json::object();
    for (const auto& a : c.attributes()) {
        if (a.subject != subject_type::enterprise || !row.has(a.number)) continue;
        const auto value = row.value[static_cast<std::size_t>(a.number)];
        out[a.name] = a.kind == matching::attribute_kind::date ? json(value) : c.decode(a, value);
    }
    return out;
}

} // namespace zhida::bench
