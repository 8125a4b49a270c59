// What the columns of a CSV file mean, by its header: names or Chinese labels.
#pragma once

#include "common/base/error.hpp"
#include "matching/catalogue.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::profiles {

struct import_column {
    enum class meaning { id, type, name, as_of, origin, role, phone, openid, attribute };
    std::string header; // as the file says it
    meaning what = meaning::attribute;
    std::size_t contact = 0; // role, phone, openid: of which contact, from 0
    // attribute: by the subject's type; a label may name one of each. Null: the other type has no such one.
    const matching::attribute* of_enterprise = nullptr;
    const matching::attribute* of_resident = nullptr;
};

// All that is wrong with the header in one failure: unknown columns with what is near, columns given twice,
// missing id, type or name, another separator than the comma.
result<std::vector<import_column>> read_header(const std::vector<std::string_view>& fields,
                                               const matching::catalogue& c);

// Every column in Chinese, with two contacts; read_header takes it.
std::vector<std::string> chinese_header(const matching::catalogue& c);

} // namespace zhida::profiles
