// Items and profiles for the benches of reverse matching: synthetic, over the real catalogue (合成数据).
#pragma once

#include "matching/catalogue.hpp"

#include <random>
#include <string>
#include <vector>

namespace zhida::bench {

inline constexpr std::int32_t today = 20780;

using generator = std::mt19937_64;

inline std::size_t below(generator& random, std::size_t n) {
    return static_cast<std::size_t>(random() % n);
}

// Conditions as departments write them: where, which trade, how large, how old, and not on the blacklist; a
// tenth has a choice between conditions on different attributes.
inline std::vector<json> reverse_items(const matching::catalogue& c, std::size_t count, generator& random) {
    std::vector<std::string> places;
    for (const auto& d : c.divisions().entries())
        if (d.level >= 3 && d.code.size() <= 9) places.push_back(d.code);
    const auto& industries = c.industries().entries();
    const auto x = [](const char* name) { return json{{"property", name}}; };
    const auto ask = [](const char* op, json args) { return json{{"op", op}, {"args", std::move(args)}}; };
    const auto one_in = [&](std::size_t n) { return below(random, n) == 0; };
    const auto terms = [&](const char* name, std::size_t most) {
        const auto& all = c.find(name)->terms;
        json list = json::array();
        for (auto i = 1 + below(random, most); i > 0; --i)
            list.push_back(all[below(random, all.size())].code);
        return list;
    };
    const auto number = [&](std::size_t most) { return static_cast<std::int64_t>(below(random, most)); };
    std::vector<json> items;
    for (std::size_t i = 0; i < count; ++i) {
        json all = json::array();
        all.push_back(ask(
            "like", {x("ent.reg_division"), one_in(3) ? "31%" : places[below(random, places.size())] + "%"}));
        if (!one_in(3)) {
            json any = json::array();
            for (auto n = 1 + below(random, 3); n > 0; --n) {
                auto code = industries[below(random, industries.size())].code;
                any.push_back(ask("like", {x("ent.industry"), code.substr(0, 1 + below(random, 4)) + "%"}));
            }
            all.push_back(any.size() == 1 ? any[0] : ask("or", any));
        }
        if (one_in(2)) all.push_back(ask("in", {x("ent.size"), terms("ent.size", 3)}));
        if (one_in(3)) {
            const auto low = number(20000);
            all.push_back(ask("between", {x("ent.revenue"), low, low + 1 + number(40000)}));
        }
        if (one_in(3))
            all.push_back(ask(">=", {x("ent.established"), ask("monthsAgo", json::array({6 + number(60)}))}));
        if (one_in(4)) all.push_back(ask("<=", {x("ent.headcount"), 10 + number(1000)}));
        if (one_in(4)) all.push_back(ask(">=", {x("ent.rd_expense"), number(2000)}));
        if (one_in(5)) all.push_back(ask(">=", {x("ent.tax_paid"), number(3000)}));
        if (one_in(3))
            all.push_back(ask("a_overlaps", {x("ent.qualifications"), terms("ent.qualifications", 3)}));
        if (one_in(5))
            all.push_back(ask("a_overlaps", {x("ent.industry_tags"), terms("ent.industry_tags", 4)}));
        if (one_in(8)) all.push_back(ask("a_contains", {x("ent.reports"), terms("ent.reports", 2)}));
        if (one_in(3)) all.push_back(ask("=", {x("ent.legal_person"), true}));
        if (one_in(4)) all.push_back(ask("=", {x("ent.ui_paid_last_year"), true}));
        if (one_in(5)) all.push_back(ask("<=", {x("ent.layoff_rate"), 5.5}));
        if (!one_in(3)) all.push_back(ask("=", {x("ent.blacklisted"), false}));
        if (one_in(10))
            all.push_back(ask("or", {ask(">=", {x("ent.insured_headcount"), number(300)}),
                                     ask("=", {x("ent.fund_guaranteed"), true})}));
        items.push_back(all.size() == 1 ? all[0] : ask("and", all));
    }
    return items;
}

inline attribute_row reverse_row(const matching::catalogue& c, generator& random) {
    attribute_row row;
    std::vector<std::string> places;
    for (const auto& d : c.divisions().entries())
        if (d.level >= 3) places.push_back(d.code);
    for (const auto& a : c.attributes()) {
        if (a.subject != subject_type::enterprise || below(random, 6) == 0) continue;
        const auto set = [&](std::int64_t v) { row.set(a.number, v); };
        switch (a.kind) {
        case matching::attribute_kind::boolean:
            set(below(random, 10) == 0 ? 1 : 0);
            break;
        case matching::attribute_kind::integer:
            set(static_cast<std::int64_t>(below(random, 1000)));
            break;
        case matching::attribute_kind::decimal:
            set(static_cast<std::int64_t>(below(random, 4'000'000)));
            break;
        case matching::attribute_kind::date:
            set(today - static_cast<std::int64_t>(below(random, 2500)));
            break;
        case matching::attribute_kind::term:
            set(a.terms[below(random, a.terms.size())].number);
            break;
        case matching::attribute_kind::set: {
            std::int64_t bits = 0;
            for (int i = 0; i < 2; ++i)
                bits |= std::int64_t{1} << a.terms[below(random, a.terms.size())].number;
            set(bits);
            break;
        }
        case matching::attribute_kind::industry: {
            const auto& all = c.industries().entries();
            set(pack_code(all[below(random, all.size())].code));
            break;
        }
        case matching::attribute_kind::division:
            set(std::stoll(places[below(random, places.size())]));
            break;
        }
    }
    return row;
}

} // namespace zhida::bench
