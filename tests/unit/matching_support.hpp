// The real catalogue, rows written as JSON, conditions compiled with their errors.
#pragma once

#include "common/base/clock.hpp"
#include "matching/condition.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>

namespace zhida::matching {

inline const catalogue& the_catalogue() {
    static const auto loaded = catalogue::load(zhida::tests::in_source("config/catalogue"));
    return loaded.value();
}

inline std::int32_t day(const char* text) {
    std::int32_t out = 0;
    EXPECT_TRUE(parse_date(text, out)) << text;
    return out;
}

inline attribute_row row_of(const json& values) {
    attribute_row row;
    for (const auto& [name, value] : values.items()) {
        const auto* a = the_catalogue().find(name);
        if (!a) throw std::runtime_error("no attribute " + name);
        row.set(a->number, the_catalogue().encode(*a, value).value());
    }
    return row;
}

inline condition compiled(const json& expression, subject_type subject = subject_type::enterprise) {
    std::vector<failure> errors;
    return condition::compile(expression, subject, the_catalogue(), errors).value();
}

inline json property(const char* name) {
    return json{{"property", name}};
}
inline json op_of(const char* op, json args) {
    return json{{"op", op}, {"args", std::move(args)}};
}

} // namespace zhida::matching
