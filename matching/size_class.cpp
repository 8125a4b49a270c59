// 统计上大中小微型企业划分办法（2017）: a large, medium or small enterprise meets all lower bounds of its
// class, else it falls one class down; what is below small is micro.
#include "matching/catalogue.hpp"

#include <algorithm>

namespace zhida::matching {

bool catalogue::size_row::covers(std::string_view industry) const noexcept {
    const auto begins = [&](const std::string& prefix) { return industry.starts_with(prefix); };
    return std::any_of(prefixes.begin(), prefixes.end(), begins) &&
           std::none_of(except.begin(), except.end(), begins);
}

std::optional<size_class> catalogue::classify(const attribute_row& enterprise) const {
    if (industry_attribute_ < 0 || !enterprise.has(industry_attribute_)) return std::nullopt;
    const auto code = unpack_code(enterprise.value[static_cast<std::size_t>(industry_attribute_)]);
    const auto entry = industries_.index_of(code);
    if (entry == code_list::npos || (sizes_of_[entry] & uncovered) != 0) return std::nullopt;

    std::optional<int> agreed;
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
        if ((sizes_of_[entry] >> i & 1) == 0) continue;
        int lowest = 1; // class by the indicators that are known: the worst of theirs
        bool missing = false;
        for (const auto& [letter, bounds] : sizes_[i].bounds) {
            const int attribute = indicators_.at(letter);
            if (!enterprise.has(attribute)) {
                missing = true;
                continue;
            }
            const auto value = enterprise.value[static_cast<std::size_t>(attribute)];
            int own = 1;
            for (const auto bound : bounds) own += value < bound ? 1 : 0; // bounds fall
            lowest = std::max(lowest, own);
        }
        // A missing indicator can only push further down, and nothing lies below micro.
        if (missing && lowest != static_cast<int>(size_class::micro)) return std::nullopt;
        if (agreed && *agreed != lowest) return std::nullopt;
        agreed = lowest;
    }
    if (!agreed) return std::nullopt;
    return static_cast<size_class>(*agreed);
}

} // namespace zhida::matching
