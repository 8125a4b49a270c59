// Profiles of one subject type as columns: what a scan reads. Values are what the catalogue codes; a column
// holds them as unsigned numbers of 8, 16 or 32 bits, all ones where nothing is known; codes of industries
// and divisions as their place in the list, so that a prefix is a few ranges; sets and flags as bitmaps.
// A row with a value that its column cannot hold (a code that has left the list, a number of more than 32
// bits) is kept whole beside the columns and judged by itself, so that nothing is ever rounded.
#pragma once

#include "matching/catalogue.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zhida::matching {

// How each attribute of a subject type is held. Immutable; made once for all shards. Refers to the catalogue.
class column_layout {
  public:
    enum class form : std::uint8_t { none, bits, narrow, half, wide }; // bitmaps, or 8, 16, 32 bits a value
    struct column {
        form as = form::none;
        const attribute* of = nullptr;
        std::size_t place = 0;            // among the columns of its form
        std::int64_t base = 0;            // value - base is held; numbers and dates
        std::int64_t most = 0;            // largest held number
        const code_list* codes = nullptr; // industries and divisions: the place in this list is held
        int planes = 0;                   // bits: bitmaps of values; a flag has one
    };
    column_layout(const catalogue& c, subject_type type);

    subject_type type() const noexcept { return type_; }
    const column& at(int attribute) const noexcept { return columns_[static_cast<std::size_t>(attribute)]; }
    // The number held for a value; nothing where the column cannot hold it.
    std::optional<std::uint32_t> held(const column& c, std::int64_t value) const;
    std::int64_t value_of(const column& c, std::uint32_t held) const;
    // Of all that decides what a held number means, 32 hex digits: columns that were saved under another
    // one cannot be read under this.
    std::string fingerprint() const;
    // The coded value of every place in the list of a column of codes.
    const std::vector<std::int64_t>& values_of(const column& c) const;
    std::size_t count(form f) const noexcept { return counts_[static_cast<std::size_t>(f)]; }
    const std::vector<column>& columns() const noexcept { return columns_; } // by attribute number

  private:
    subject_type type_;
    std::vector<column> columns_;
    std::array<std::size_t, 5> counts_{};
    // Of industries [0] and divisions [1]: coded values by place, and places by coded value.
    std::array<std::vector<std::int64_t>, 2> code_values_;
    std::array<std::unordered_map<std::int64_t, std::uint32_t>, 2> code_places_;
};

class columns {
  public:
    static constexpr std::size_t block_rows = 16384;
    explicit columns(std::shared_ptr<const column_layout> layout);

    const column_layout& layout() const noexcept { return *layout_; }
    // Rows ever written, with those that were erased.
    std::size_t rows() const noexcept { return rows_; }
    bool present(std::size_t row) const noexcept {
        return row < rows_ && (present_[row / 64] >> (row % 64) & 1) != 0;
    }
    void put(std::size_t row, const attribute_row& values); // writes in place, or appends
    void reserve(std::size_t rows);                         // room for so many, before they come
    void erase(std::size_t row);
    attribute_row get(std::size_t row) const; // of one that is present
    std::size_t bytes() const noexcept;       // of memory, with what is reserved

    // Whole tables as bytes, in this processor's order: save() appends every array with one copy each (odd()
    // is not in it), saved_bytes() tells how many that are for a number of rows. restore() fills a new table;
    // false where the bytes cannot be those of so many rows under this layout.
    std::size_t saved_bytes(std::size_t rows) const noexcept;
    void save(std::string& to) const;
    bool restore(std::size_t rows, std::string_view saved,
                 std::unordered_map<std::size_t, attribute_row> odd);

    // For scans. Every array has at least rows() elements, rounded up to 64.
    template <class T>
    struct numbers {
        std::vector<T> values;
        struct of_block {
            T low = static_cast<T>(~T{0}), high = 0; // of what is known; never too narrow
            std::uint32_t missing = 0;               // rows without a value
        };
        std::vector<of_block> blocks;
    };
    struct bitmaps {
        std::vector<std::uint64_t> known;
        std::vector<std::vector<std::uint64_t>> planes;
    };
    const numbers<std::uint8_t>& narrow(std::size_t place) const { return narrow_[place]; }
    const numbers<std::uint16_t>& half(std::size_t place) const { return half_[place]; }
    const numbers<std::uint32_t>& wide(std::size_t place) const { return wide_[place]; }
    const bitmaps& bits(std::size_t place) const { return bits_[place]; }
    const std::vector<std::uint64_t>& presence() const noexcept { return present_; }
    // Rows kept whole, by row.
    const std::unordered_map<std::size_t, attribute_row>& odd() const noexcept { return odd_; }

  private:
    using held_row = std::array<std::uint32_t, max_attributes>;
    bool hold(const attribute_row& values, held_row& held) const;
    void write(std::size_t row, const attribute_row* values, const held_row& held);
    bool measure_blocks();

    std::shared_ptr<const column_layout> layout_;
    std::size_t rows_ = 0, room_ = 0;
    std::vector<std::uint64_t> present_;
    std::vector<numbers<std::uint8_t>> narrow_;
    std::vector<numbers<std::uint16_t>> half_;
    std::vector<numbers<std::uint32_t>> wide_;
    std::vector<bitmaps> bits_;
    std::unordered_map<std::size_t, attribute_row> odd_;
};

} // namespace zhida::matching
