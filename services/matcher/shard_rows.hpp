// The subjects of one shard in memory: columns of enterprises and of residents, which row has which ordinal,
// and by what each can be reached. Pure.
#pragma once

#include "common/model/profile.hpp"
#include "matching/columns.hpp"

#include <cstdint>
#include <memory>
#include <optional>
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
    // The same of profiles in any order: each has its ordinal in its bytes.
    std::size_t load_packed(const std::vector<std::string>& packed);
    // reachable: of reachable_by.
    void put(std::uint32_t ordinal, subject_type type, const attribute_row& values, std::uint8_t reachable);

    const matching::columns& of(subject_type t) const noexcept { return part_of(t).rows; }
    std::uint32_t ordinal_of(subject_type t, std::size_t row) const { return part_of(t).ordinals[row]; }
    // Who has a phone, who an openid: a bit a row, as many words as of(t).presence() has for its rows.
    const std::vector<std::uint64_t>& phones(subject_type t) const noexcept { return part_of(t).phones; }
    const std::vector<std::uint64_t>& openids(subject_type t) const noexcept { return part_of(t).openids; }

    struct place {
        subject_type type = subject_type::enterprise;
        std::size_t row = 0;
    };
    std::optional<place> find(std::uint32_t ordinal) const noexcept;
    std::uint8_t reachable_of(place p) const noexcept;
    std::size_t ordinals() const noexcept { return places_.size(); } // one more than the highest

    // The share of rows that came, went or moved to another region since the rows were laid out by region.
    double disorder() const noexcept;
    void settle_order() noexcept { strays_ = 0; } // the rows are laid out by region now
    // True where shard_compaction would spare scans some blocks: whole ones are passed over, so with one of
    // them there is nothing to win.
    bool wants_compaction(std::size_t beyond = matching::columns::block_rows) const noexcept;
    std::size_t bytes() const noexcept; // of memory, all of it
    // Room for so many, before they come.
    void reserve(std::size_t enterprises, std::size_t residents, std::size_t ordinals);

    // One subject type, whole: for snapshots.
    struct part {
        matching::columns rows;
        std::vector<std::uint32_t> ordinals; // by row
        std::vector<std::uint64_t> phones, openids;
    };
    const part& part_of(subject_type t) const noexcept {
        return t == subject_type::enterprise ? enterprises_ : residents_;
    }
    std::uint64_t strays() const noexcept { return strays_; }
    // Nothing where the parts contradict themselves or one another: other numbers of rows, an ordinal twice,
    // or one far beyond the rows.
    static std::optional<shard_rows> of_parts(part enterprises, part residents, std::uint64_t strays);

  private:
    struct laid_out {
        std::uint32_t region = 0, ordinal = 0;
        const std::string* packed = nullptr;
    };
    using column = matching::column_layout::column;
    shard_rows(part enterprises, part residents);
    std::size_t lay_out(const std::vector<std::string>& packed, bool by_position);
    part& part_of(subject_type t) noexcept {
        return t == subject_type::enterprise ? enterprises_ : residents_;
    }
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    static constexpr std::uint32_t resident_bit = std::uint32_t{1} << 31;

    const column* region_of(subject_type t) const noexcept {
        return t == subject_type::enterprise ? enterprise_region_ : resident_region_;
    }

    part enterprises_, residents_;
    const column *enterprise_region_, *resident_region_; // of the layouts
    std::vector<std::uint32_t> places_; // by ordinal: row, with resident_bit where it is a resident's
    std::uint64_t strays_ = 0;          // rows that are not where their region would have them
};

// The attribute that rows are laid out by, of what most policies ask first; null where the catalogue has
// none.
const matching::column_layout::column* region_in(const matching::column_layout& layout) noexcept;
// A row's place in the list of regions; 0 where nobody knows.
std::uint32_t region_at(const matching::columns& rows, const matching::column_layout::column* region,
                        std::size_t row) noexcept;

} // namespace zhida::matcher
