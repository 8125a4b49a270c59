#include "services/matcher/shard_rows.hpp"

#include <algorithm>

namespace zhida::matcher {

namespace {

// What most policies of a subject type ask for first; null where the catalogue has no such attribute.
const matching::column_layout::column* region_in(const matching::column_layout& layout) {
    for (const auto& c : layout.columns())
        if (c.of && (c.of->name == "ent.reg_division" || c.of->name == "person.residence_division"))
            return &c;
    return nullptr;
}

// Its place in the list of regions; 0 where nobody knows.
std::uint32_t region_of(const matching::column_layout& layout, const matching::column_layout::column* region,
                        const attribute_row& values) {
    if (!region || !values.has(region->of->number)) return 0;
    return layout.held(*region, values.value[static_cast<std::size_t>(region->of->number)]).value_or(0);
}

} // namespace

row_layouts::row_layouts(const matching::catalogue& c)
    : enterprise(std::make_shared<const matching::column_layout>(c, subject_type::enterprise)),
      resident(std::make_shared<const matching::column_layout>(c, subject_type::resident)) {}

shard_rows::shard_rows(const row_layouts& layouts)
    : enterprises_{matching::columns(layouts.enterprise), {}},
      residents_{matching::columns(layouts.resident), {}} {}

std::size_t shard_rows::load(const std::vector<std::string>& packed) {
    struct at {
        std::uint32_t region = 0, ordinal = 0;
    };
    const matching::column_layout::column* regions[] = {region_in(enterprises_.rows.layout()),
                                                        region_in(residents_.rows.layout())};
    std::vector<at> order;
    order.reserve(packed.size());
    std::size_t unreadable = 0;
    for (std::uint32_t ordinal = 0; ordinal < packed.size(); ++ordinal) {
        if (packed[ordinal].empty()) continue;
        const auto read = unpack_profile(packed[ordinal]);
        if (!read) {
            ++unreadable;
            continue;
        }
        const auto type = read->subject.type;
        order.push_back({region_of(of(type).layout(), regions[type == subject_type::enterprise ? 0 : 1],
                                   read->subject.attributes),
                         ordinal});
    }
    std::sort(order.begin(), order.end(), [](const at& a, const at& b) {
        return a.region != b.region ? a.region < b.region : a.ordinal < b.ordinal;
    });
    places_.assign(packed.size(), nowhere);
    for (const auto& o : order) {
        const auto read = unpack_profile(packed[o.ordinal]);
        put(o.ordinal, read->subject.type, read->subject.attributes);
    }
    return unreadable;
}

void shard_rows::put(std::uint32_t ordinal, subject_type type, const attribute_row& values) {
    if (ordinal >= places_.size()) places_.resize(ordinal + 1, nowhere);
    const auto bit = type == subject_type::resident ? resident_bit : 0;
    auto& place = places_[ordinal];
    if (place != nowhere && (place & resident_bit) != bit) { // an id that was the other type's before
        table(bit ? subject_type::enterprise : subject_type::resident).rows.erase(place & ~resident_bit);
        place = nowhere;
    }
    auto& t = table(type);
    if (place == nowhere) {
        place = static_cast<std::uint32_t>(t.ordinals.size()) | bit;
        t.ordinals.push_back(ordinal);
    }
    t.rows.put(place & ~resident_bit, values);
}

} // namespace zhida::matcher
