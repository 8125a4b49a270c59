// The subjects of one shard in memory: columns of enterprises and of residents, and which row has which
// ordinal. Pure.
#pragma once

#include "common/model/profile.hpp"
#include "matching/columns.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace zhida::matcher {

// How the columns of both subject types are held; made once, shared by all shards.
struct row_layouts {
    explicit row_layouts(const matching::catalogue& c);
    std::shared_ptr<const matching::column_layout> enterprise, resident;
    const std::shared_ptr<const matching::column_layout>& of(subject_type t) const noexcept {
        return t == subject_type::enterprise ? enterprise : resident;
    }
};

class shard_rows {
  public:
    explicit shard_rows(const row_layouts& layouts);
    // Into a new object, once: stored profiles by ordinal, an empty text where there is none. Rows are laid
    // out by region, so that a policy of one region passes over most blocks. Returns how many could not be
    // read: they are left out.
    std::size_t load(const std::vector<std::string>& packed);
    void put(std::uint32_t ordinal, subject_type type, const attribute_row& values);

    const matching::columns& of(subject_type t) const noexcept { return table(t).rows; }
    std::uint32_t ordinal_of(subject_type t, std::size_t row) const { return table(t).ordinals[row]; }

  private:
    struct one_table {
        matching::columns rows;
        std::vector<std::uint32_t> ordinals; // by row
    };
    one_table& table(subject_type t) noexcept {
        return t == subject_type::enterprise ? enterprises_ : residents_;
    }
    const one_table& table(subject_type t) const noexcept {
        return t == subject_type::enterprise ? enterprises_ : residents_;
    }
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    static constexpr std::uint32_t resident_bit = std::uint32_t{1} << 31;

    one_table enterprises_, residents_;
    std::vector<std::uint32_t> places_; // by ordinal: row, with resident_bit where it is a resident's
};

} // namespace zhida::matcher
