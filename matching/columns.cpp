#include "matching/columns.hpp"

#include "common/base/crypto.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace zhida::matching {

namespace {

using form = column_layout::form;

constexpr std::int64_t most_of(form f) noexcept { // all ones stand for "not known"
    return f == form::narrow ? 0xFE : f == form::half ? 0xFFFE : 0xFFFF'FFFE;
}

form narrowest(std::int64_t most) noexcept {
    return most <= most_of(form::narrow) ? form::narrow
           : most <= most_of(form::half) ? form::half
                                         : form::wide;
}

std::int64_t coded(const attribute& a, const code_entry& e) {
    return a.kind == attribute_kind::industry ? pack_code(e.code) : std::stoll(e.code);
}

std::size_t list_of(const attribute& a) noexcept {
    return a.kind == attribute_kind::industry ? 0 : 1;
}

void set_bit(std::vector<std::uint64_t>& mask, std::size_t row, bool on) noexcept {
    const auto bit = std::uint64_t{1} << (row % 64);
    if (on)
        mask[row / 64] |= bit;
    else
        mask[row / 64] &= ~bit;
}

bool bit_at(const std::vector<std::uint64_t>& mask, std::size_t row) noexcept {
    return (mask[row / 64] >> (row % 64) & 1) != 0;
}

template <class V>
void enlarge(V& v, std::size_t to, typename V::value_type with) {
    v.reserve(to); // resize alone would double
    v.resize(to, with);
}

} // namespace

column_layout::column_layout(const catalogue& c, subject_type type) : type_(type), columns_(max_attributes) {
    for (const auto& a : c.attributes()) {
        if (a.subject != type) continue;
        auto& column = columns_[static_cast<std::size_t>(a.number)];
        column.of = &a;
        switch (a.kind) {
        case attribute_kind::boolean:
            column.as = form::bits;
            column.planes = 1;
            break;
        case attribute_kind::set:
            column.as = form::bits;
            for (const auto& t : a.terms) column.planes = std::max(column.planes, t.number + 1);
            break;
        case attribute_kind::term:
            column.as = form::narrow;
            break;
        case attribute_kind::integer:
        case attribute_kind::decimal: {
            constexpr std::int64_t lowest = std::numeric_limits<std::int32_t>::min();
            column.base = std::max(a.low, lowest);
            // What lies beyond 32 bits is rare enough to be kept beside the columns.
            column.as = narrowest(std::min(a.high, std::int64_t{1} << 40) - column.base);
            break;
        }
        case attribute_kind::date:
            column.as = form::wide;
            column.base = std::numeric_limits<std::int32_t>::min();
            break;
        case attribute_kind::industry:
        case attribute_kind::division: {
            column.codes = a.kind == attribute_kind::industry ? &c.industries() : &c.divisions();
            column.as = narrowest(static_cast<std::int64_t>(column.codes->entries().size()));
            auto& values = code_values_[list_of(a)];
            auto& places = code_places_[list_of(a)];
            if (values.empty())
                for (const auto& e : column.codes->entries()) {
                    places.emplace(coded(a, e), static_cast<std::uint32_t>(values.size()));
                    values.push_back(coded(a, e));
                }
            break;
        }
        }
        column.most = most_of(column.as);
        column.place = counts_[static_cast<std::size_t>(column.as)]++;
    }
}

std::optional<std::uint32_t> column_layout::held(const column& c, std::int64_t value) const {
    if (c.codes) {
        const auto& places = code_places_[list_of(*c.of)];
        const auto found = places.find(value);
        if (found == places.end()) return std::nullopt;
        return found->second;
    }
    if (value < c.base || (value > 0 && c.base < 0 ? value > c.most + c.base : value - c.base > c.most))
        return std::nullopt;
    return static_cast<std::uint32_t>(value - c.base);
}

std::int64_t column_layout::value_of(const column& c, std::uint32_t held) const {
    return c.codes ? code_values_[list_of(*c.of)][held] : c.base + held;
}

std::string column_layout::fingerprint() const {
    std::string all = std::to_string(static_cast<int>(type_));
    const auto add = [&](std::int64_t n) { all += ' ' + std::to_string(n); };
    for (const auto& c : columns_) {
        add(static_cast<int>(c.as));
        if (c.as == form::none) continue;
        all += ' ' + c.of->name;
        for (const std::int64_t n :
             {std::int64_t{c.of->number}, static_cast<std::int64_t>(c.of->kind), std::int64_t{c.of->decimals},
              static_cast<std::int64_t>(c.place), c.base, c.most, std::int64_t{c.planes}})
            add(n);
        for (const auto& t : c.of->terms) all += ' ' + std::to_string(t.number) + t.code;
    }
    for (const auto& values : code_values_) {
        add(static_cast<std::int64_t>(values.size()));
        for (const auto v : values) add(v);
    }
    return crypto::sha256_hex(all).substr(0, 32);
}

const std::vector<std::int64_t>& column_layout::values_of(const column& c) const {
    return code_values_[list_of(*c.of)];
}

columns::columns(std::shared_ptr<const column_layout> layout)
    : layout_(std::move(layout)), narrow_(layout_->count(form::narrow)), half_(layout_->count(form::half)),
      wide_(layout_->count(form::wide)), bits_(layout_->count(form::bits)) {
    for (const auto& c : layout_->columns())
        if (c.as == form::bits) bits_[c.place].planes.resize(static_cast<std::size_t>(c.planes));
}

void columns::reserve(std::size_t rows) {
    if (rows <= room_) return;
    // An eighth at a time: shards are many, and half of them empty would be a waste.
    room_ = (std::max(rows, room_ + room_ / 8) + 63) / 64 * 64;
    enlarge(present_, room_ / 64, 0);
    const auto blocks = (room_ + block_rows - 1) / block_rows;
    const auto grow = [&](auto& all) {
        for (auto& n : all) {
            using T = typename std::remove_reference_t<decltype(n.values)>::value_type;
            enlarge(n.values, room_, static_cast<T>(~T{0}));
            n.blocks.resize(blocks);
        }
    };
    grow(narrow_);
    grow(half_);
    grow(wide_);
    for (auto& b : bits_) {
        enlarge(b.known, room_ / 64, 0);
        for (auto& plane : b.planes) enlarge(plane, room_ / 64, 0);
    }
}

namespace {

template <class T>
void write_number(columns::numbers<T>& n, std::size_t row, bool known, std::uint32_t held, bool fresh) {
    constexpr T nothing = static_cast<T>(~T{0});
    auto& block = n.blocks[row / columns::block_rows];
    auto& cell = n.values[row];
    if (!fresh && cell == nothing) --block.missing;
    cell = known ? static_cast<T>(held) : nothing;
    if (cell == nothing) {
        ++block.missing;
    } else {
        block.low = std::min(block.low, cell);
        block.high = std::max(block.high, cell);
    }
}

} // namespace

// False where some column cannot hold its value: it is missing there.
bool columns::hold(const attribute_row& values, held_row& held) const {
    bool fits = true;
    for (auto left = values.known; left; left &= left - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        const auto& c = layout_->columns()[i];
        if (c.as == form::none) fits = false; // an attribute that has left the catalogue
        if (c.as == form::bits)
            fits = fits && (c.planes > 63 || (static_cast<std::uint64_t>(values.value[i]) >> c.planes) == 0);
        if (c.as == form::none || c.as == form::bits) continue;
        const auto number = layout_->held(c, values.value[i]);
        fits = fits && number;
        held[i] = number.value_or(~std::uint32_t{0});
    }
    return fits;
}

void columns::write(std::size_t row, const attribute_row* values, const held_row& held) {
    const bool fresh = row >= rows_;
    if (fresh) rows_ = row + 1;
    for (std::size_t i = 0; i < layout_->columns().size(); ++i) {
        const auto& c = layout_->columns()[i];
        const bool known = values && values->has(static_cast<int>(i));
        const auto number = known ? held[i] : 0;
        switch (c.as) {
        case form::none:
            break;
        case form::bits: {
            const auto value = known ? values->value[i] : 0;
            set_bit(bits_[c.place].known, row, known);
            for (std::size_t p = 0; p < bits_[c.place].planes.size(); ++p)
                set_bit(bits_[c.place].planes[p], row, (value >> p & 1) != 0);
            break;
        }
        case form::narrow:
            write_number(narrow_[c.place], row, known, number, fresh);
            break;
        case form::half:
            write_number(half_[c.place], row, known, number, fresh);
            break;
        case form::wide:
            write_number(wide_[c.place], row, known, number, fresh);
            break;
        }
    }
}

void columns::put(std::size_t row, const attribute_row& values) {
    held_row held; // only what is known is set, and only that is read
    reserve(row + 1);
    while (rows_ < row) write(rows_, nullptr, held); // rows that were passed over: absent
    const bool fits = hold(values, held);
    write(row, &values, held);
    if (!fits)
        odd_[row] = values;
    else if (!odd_.empty())
        odd_.erase(row);
    set_bit(present_, row, true);
}

void columns::erase(std::size_t row) {
    if (!present(row)) return;
    write(row, nullptr, {});
    odd_.erase(row);
    set_bit(present_, row, false);
}

attribute_row columns::get(std::size_t row) const {
    if (const auto found = odd_.find(row); found != odd_.end()) return found->second;
    attribute_row out;
    const auto number = [&](const auto& n, const column_layout::column& c) {
        const auto cell = n.values[row];
        if (cell != static_cast<decltype(cell)>(~decltype(cell){0}))
            out.set(c.of->number, layout_->value_of(c, cell));
    };
    for (const auto& c : layout_->columns()) switch (c.as) {
        case form::none:
            break;
        case form::bits: {
            const auto& b = bits_[c.place];
            if (!bit_at(b.known, row)) break;
            std::int64_t value = 0;
            for (std::size_t p = 0; p < b.planes.size(); ++p)
                if (bit_at(b.planes[p], row)) value |= std::int64_t{1} << p;
            out.set(c.of->number, value);
            break;
        }
        case form::narrow:
            number(narrow_[c.place], c);
            break;
        case form::half:
            number(half_[c.place], c);
            break;
        case form::wide:
            number(wide_[c.place], c);
            break;
        }
    return out;
}

namespace {

std::size_t words_of(std::size_t rows) noexcept {
    return (rows + 63) / 64;
}

template <class T>
void append_array(std::string& to, const std::vector<T>& from, std::size_t count) {
    if (count > 0) to.append(reinterpret_cast<const char*>(from.data()), count * sizeof(T));
}

template <class T>
void take_array(std::string_view& from, std::vector<T>& to, std::size_t count) {
    if (count == 0) return;
    from.copy(reinterpret_cast<char*>(to.data()), count * sizeof(T));
    from.remove_prefix(count * sizeof(T));
}

} // namespace

std::size_t columns::saved_bytes(std::size_t rows) const noexcept {
    std::size_t bitmaps = 1; // presence
    for (const auto& b : bits_) bitmaps += 1 + b.planes.size();
    return bitmaps * words_of(rows) * 8 + narrow_.size() * rows + half_.size() * rows * 2 +
           wide_.size() * rows * 4;
}

void columns::save(std::string& to) const {
    append_array(to, present_, words_of(rows_));
    for (const auto& n : narrow_) append_array(to, n.values, rows_);
    for (const auto& n : half_) append_array(to, n.values, rows_);
    for (const auto& n : wide_) append_array(to, n.values, rows_);
    for (const auto& b : bits_) {
        append_array(to, b.known, words_of(rows_));
        for (const auto& plane : b.planes) append_array(to, plane, words_of(rows_));
    }
}

bool columns::restore(std::size_t rows, std::string_view saved,
                      std::unordered_map<std::size_t, attribute_row> odd) {
    if (rows_ != 0 || saved.size() != saved_bytes(rows)) return false;
    reserve(rows);
    rows_ = rows;
    const auto last = rows % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << rows % 64) - 1;
    const auto bitmap = [&](std::vector<std::uint64_t>& mask) {
        take_array(saved, mask, words_of(rows));
        if (rows > 0) mask[words_of(rows) - 1] &= last; // nobody is beyond the rows
    };
    bitmap(present_);
    for (auto& n : narrow_) take_array(saved, n.values, rows);
    for (auto& n : half_) take_array(saved, n.values, rows);
    for (auto& n : wide_) take_array(saved, n.values, rows);
    for (auto& b : bits_) {
        bitmap(b.known);
        for (auto& plane : b.planes) bitmap(plane);
    }
    odd_ = std::move(odd);
    for (const auto& [row, values] : odd_)
        if (!present(row)) return false;
    return measure_blocks();
}

// Blocks are measured again instead of believed. False where a code's place is not in its list.
bool columns::measure_blocks() {
    const auto measure = [&](auto& n, const column_layout::column& c) {
        using T = typename std::remove_reference_t<decltype(n.values)>::value_type;
        constexpr T nothing = static_cast<T>(~T{0});
        for (std::size_t first = 0; first < rows_; first += block_rows) {
            T low = nothing, high = 0;
            std::uint32_t missing = 0;
            const auto end = std::min(first + block_rows, rows_);
            for (auto row = first; row < end; ++row) {
                const T cell = n.values[row];
                const bool none = cell == nothing;
                missing += none ? 1U : 0U;
                low = std::min(low, cell); // nothing is the greatest
                high = std::max(high, none ? T{0} : cell);
            }
            if (c.codes && missing < end - first && high >= c.codes->entries().size()) return false;
            n.blocks[first / block_rows] = {low, high, missing};
        }
        return true;
    };
    bool good = true;
    for (const auto& c : layout_->columns()) {
        if (c.as == form::narrow) good = good && measure(narrow_[c.place], c);
        if (c.as == form::half) good = good && measure(half_[c.place], c);
        if (c.as == form::wide) good = good && measure(wide_[c.place], c);
    }
    return good;
}

std::size_t columns::bytes() const noexcept {
    std::size_t sum = present_.capacity() * 8 + odd_.size() * (sizeof(attribute_row) + 32);
    const auto add = [&](const auto& all) {
        for (const auto& n : all)
            sum += n.values.capacity() * sizeof(n.values[0]) + n.blocks.capacity() * sizeof(n.blocks[0]);
    };
    add(narrow_);
    add(half_);
    add(wide_);
    for (const auto& b : bits_) {
        sum += b.known.capacity() * 8;
        for (const auto& plane : b.planes) sum += plane.capacity() * 8;
    }
    return sum;
}

} // namespace zhida::matching
