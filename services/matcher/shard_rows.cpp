#include "services/matcher/shard_rows.hpp"

#include <algorithm>

namespace zhida::matcher {

namespace {

// Its place in the list of regions; 0 where nobody knows.
std::uint32_t held_region(const matching::column_layout& layout,
                          const matching::column_layout::column* region, const attribute_row& values) {
    if (!region || !values.has(region->of->number)) return 0;
    return layout.held(*region, values.value[static_cast<std::size_t>(region->of->number)]).value_or(0);
}

// By an eighth: doubling would cost more than the subjects that come in a month.
template <class T>
void make_room(std::vector<T>& v, std::size_t size) {
    if (size > v.capacity()) v.reserve(std::max(size, v.capacity() + v.capacity() / 8));
}

void set_bit(std::vector<std::uint64_t>& bits, std::size_t row, bool on) {
    if (row / 64 >= bits.size()) {
        make_room(bits, row / 64 + 1);
        bits.resize(row / 64 + 1);
    }
    const auto bit = std::uint64_t{1} << (row % 64);
    bits[row / 64] = on ? bits[row / 64] | bit : bits[row / 64] & ~bit;
}

bool bit_at(const std::vector<std::uint64_t>& bits, std::size_t row) noexcept {
    return row / 64 < bits.size() && (bits[row / 64] >> (row % 64) & 1) != 0;
}

// Ordinals are dense but for profiles that could not be read: one far beyond the rows is no ordinal.
constexpr std::size_t most_ordinals(std::size_t rows) noexcept {
    return 65536 + 8 * rows;
}

constexpr subject_type both_types[] = {subject_type::enterprise, subject_type::resident};

} // namespace

const matching::column_layout::column* region_in(const matching::column_layout& layout) noexcept {
    for (const auto& c : layout.columns())
        if (c.of && (c.of->name == "ent.reg_division" || c.of->name == "person.residence_division"))
            return &c;
    return nullptr;
}

std::uint32_t region_at(const matching::columns& rows, const matching::column_layout::column* region,
                        std::size_t row) noexcept {
    using form = matching::column_layout::form;
    if (!region) return 0;
    const auto known = [](auto cell) -> std::uint32_t {
        return cell == static_cast<decltype(cell)>(~decltype(cell){0}) ? 0 : cell;
    };
    if (region->as == form::narrow) return known(rows.narrow(region->place).values[row]);
    if (region->as == form::half) return known(rows.half(region->place).values[row]);
    return known(rows.wide(region->place).values[row]);
}

row_layouts::row_layouts(const matching::catalogue& c)
    : enterprise(std::make_shared<const matching::column_layout>(c, subject_type::enterprise)),
      resident(std::make_shared<const matching::column_layout>(c, subject_type::resident)) {}

shard_rows::shard_rows(part enterprises, part residents)
    : enterprises_(std::move(enterprises)), residents_(std::move(residents)),
      enterprise_region_(region_in(enterprises_.rows.layout())),
      resident_region_(region_in(residents_.rows.layout())) {}

shard_rows::shard_rows(const row_layouts& layouts)
    : shard_rows({matching::columns(layouts.enterprise), {}, {}, {}},
                 {matching::columns(layouts.resident), {}, {}, {}}) {}

std::size_t shard_rows::load(const std::vector<std::string>& packed) {
    return lay_out(packed, true);
}

std::size_t shard_rows::load_packed(const std::vector<std::string>& packed) {
    return lay_out(packed, false);
}

std::size_t shard_rows::lay_out(const std::vector<std::string>& packed, bool by_position) {
    std::vector<laid_out> order;
    order.reserve(packed.size());
    std::size_t unreadable = 0, residents = 0;
    std::uint32_t end = 0;
    packed_facts facts;
    for (std::uint32_t i = 0; i < packed.size(); ++i) {
        if (packed[i].empty()) continue;
        const bool readable = read_facts(packed[i], facts);
        const auto ordinal = by_position ? i : facts.ordinal;
        if (!readable || ordinal >= most_ordinals(packed.size())) {
            ++unreadable;
            continue;
        }
        const bool resident = facts.type == subject_type::resident;
        residents += resident ? 1 : 0;
        end = std::max(end, ordinal + 1);
        order.push_back({held_region(of(facts.type).layout(), region_of(facts.type), facts.attributes),
                         ordinal, &packed[i]});
    }
    std::sort(order.begin(), order.end(), [](const laid_out& a, const laid_out& b) {
        return a.region != b.region ? a.region < b.region : a.ordinal < b.ordinal;
    });
    reserve(order.size() - residents, residents, end);
    for (const auto& o : order) {
        read_facts(*o.packed, facts);
        put(o.ordinal, facts.type, facts.attributes, facts.reachable);
    }
    settle_order();
    return unreadable;
}

void shard_rows::reserve(std::size_t enterprises, std::size_t residents, std::size_t ordinals) {
    const auto make = [](part& p, std::size_t rows) {
        p.rows.reserve(rows);
        p.ordinals.reserve(rows);
        p.phones.reserve((rows + 63) / 64);
        p.openids.reserve((rows + 63) / 64);
    };
    make(enterprises_, enterprises);
    make(residents_, residents);
    places_.reserve(ordinals);
}

void shard_rows::put(std::uint32_t ordinal, subject_type type, const attribute_row& values,
                     std::uint8_t reachable) {
    if (ordinal >= places_.size()) {
        make_room(places_, ordinal + 1);
        places_.resize(ordinal + 1, nowhere);
    }
    const auto bit = type == subject_type::resident ? resident_bit : 0;
    auto& place = places_[ordinal];
    if (place != nowhere && (place & resident_bit) != bit) { // an id that was the other type's before
        auto& other = part_of(bit ? subject_type::enterprise : subject_type::resident);
        const auto row = place & ~resident_bit;
        other.rows.erase(row);
        set_bit(other.phones, row, false);
        set_bit(other.openids, row, false);
        ++strays_;
        place = nowhere;
    }
    auto& t = part_of(type);
    const bool fresh = place == nowhere;
    if (fresh) {
        place = static_cast<std::uint32_t>(t.ordinals.size()) | bit;
        make_room(t.ordinals, t.ordinals.size() + 1);
        t.ordinals.push_back(ordinal);
    }
    const auto row = place & ~resident_bit;
    const auto* region = region_of(type);
    const auto before = fresh ? 0 : region_at(t.rows, region, row);
    t.rows.put(row, values);
    set_bit(t.phones, row, (reachable & reachable_by::phone) != 0);
    set_bit(t.openids, row, (reachable & reachable_by::openid) != 0);
    if (fresh || region_at(t.rows, region, row) != before) ++strays_;
}

std::optional<shard_rows::place> shard_rows::find(std::uint32_t ordinal) const noexcept {
    if (ordinal >= places_.size() || places_[ordinal] == nowhere) return std::nullopt;
    const auto at = places_[ordinal];
    return place{at & resident_bit ? subject_type::resident : subject_type::enterprise, at & ~resident_bit};
}

std::uint8_t shard_rows::reachable_of(place p) const noexcept {
    const auto& t = part_of(p.type);
    return static_cast<std::uint8_t>((bit_at(t.phones, p.row) ? reachable_by::phone : 0) |
                                     (bit_at(t.openids, p.row) ? reachable_by::openid : 0));
}

double shard_rows::disorder() const noexcept {
    const auto rows = enterprises_.rows.rows() + residents_.rows.rows();
    return rows == 0 ? 0 : std::min(1.0, static_cast<double>(strays_) / static_cast<double>(rows));
}

bool shard_rows::wants_compaction(std::size_t beyond) const noexcept {
    const auto most = std::max(enterprises_.rows.rows(), residents_.rows.rows());
    return most > beyond && disorder() > 0.2;
}

std::size_t shard_rows::bytes() const noexcept {
    auto sum = sizeof *this + places_.capacity() * sizeof(std::uint32_t);
    for (const auto type : both_types) {
        const auto& t = part_of(type);
        sum += t.rows.bytes() + t.ordinals.capacity() * sizeof(std::uint32_t) +
               (t.phones.capacity() + t.openids.capacity()) * sizeof(std::uint64_t);
    }
    return sum;
}

std::optional<shard_rows> shard_rows::of_parts(part enterprises, part residents, std::uint64_t strays) {
    shard_rows made(std::move(enterprises), std::move(residents));
    const auto rows = made.enterprises_.ordinals.size() + made.residents_.ordinals.size();
    if (rows >= resident_bit) return std::nullopt;
    std::uint32_t end = 0;
    for (const auto type : both_types) {
        const auto& t = made.part_of(type);
        const auto words = (t.rows.rows() + 63) / 64;
        if (t.ordinals.size() != t.rows.rows() || t.phones.size() != words || t.openids.size() != words)
            return std::nullopt;
        for (const auto ordinal : t.ordinals) {
            if (ordinal >= most_ordinals(rows)) return std::nullopt;
            end = std::max(end, ordinal + 1);
        }
    }
    made.places_.reserve(end);
    made.places_.assign(end, nowhere);
    for (const auto type : both_types) {
        const auto& t = made.part_of(type);
        const auto bit = type == subject_type::resident ? resident_bit : 0;
        for (std::uint32_t row = 0; row < t.ordinals.size(); ++row) {
            if (!t.rows.present(row)) continue; // of a subject whose type changed
            auto& place = made.places_[t.ordinals[row]];
            if (place != nowhere) return std::nullopt;
            place = row | bit;
        }
    }
    made.strays_ = strays;
    return made;
}

} // namespace zhida::matcher
