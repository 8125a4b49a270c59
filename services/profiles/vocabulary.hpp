// The catalogue's numbers of what the synthetic population has. Everything that the catalogue lacks is
// collected, so that a renamed attribute is found at the start.
#pragma once

#include "common/base/error.hpp"
#include "matching/catalogue.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::profiles {

class vocabulary {
  public:
    explicit vocabulary(const matching::catalogue& c) : catalogue_(&c) {}

    int number(std::string_view attribute);
    // Of an enum, in the order given.
    std::vector<std::int64_t> terms(std::string_view attribute,
                                    std::initializer_list<std::string_view> codes);
    // Of a set: the bit of one term.
    std::int64_t bit(std::string_view attribute, std::string_view code);
    std::int64_t division(std::string_view code);
    // Codes of the deepest level (four digits) below each of the given ones.
    std::vector<std::int64_t> industries_below(std::string_view prefix);
    std::vector<std::int64_t> villages_below(std::string_view street);

    // Everything that was asked for and is not there.
    result<void> complete() const;
    const matching::catalogue& all() const noexcept { return *catalogue_; }

  private:
    void miss(std::string what);
    const matching::term* find(std::string_view attribute, std::string_view code);

    const matching::catalogue* catalogue_;
    std::string missing_;
};

} // namespace zhida::profiles
