#include "tests/bench/support/enterprises.hpp"

#include <algorithm>
#include <bit>

namespace zhida::bench {

using namespace zhida::matching;

namespace {

// splitmix64: good enough, and begun anew for each row.
class random_numbers {
  public:
    explicit random_numbers(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL) {}
    std::uint64_t next() noexcept {
        auto x = state_ += 0x9e3779b97f4a7c15ULL;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        return x ^ (x >> 31);
    }
    std::uint64_t below(std::uint64_t n) noexcept { return (next() >> 32) * n >> 32; }
    template <class V>
    auto of(const V& all) noexcept {
        return all[below(all.size())];
    }

  private:
    std::uint64_t state_;
};

std::uint64_t known_of_1024(const std::string& name) {
    if (name == "ent.reg_division") return 1024; // no register without it
    for (const auto* rare : {"ent.hightech_", "ent.project_", "ent.fund_", "ent.first_office"})
        if (name.starts_with(rare)) return 150;
    for (const auto* some : {"ent.park", "ent.moved_in", "ent.hire", "ent.recognitions"})
        if (name.starts_with(some)) return 400;
    return 820;
}

// Most enterprises are small: as many between 10 and 20 as between 1000 and 2000.
std::int64_t amount(const attribute& a, random_numbers& random) {
    if (a.low > 0) return a.low + static_cast<std::int64_t>(random.below(17)); // years
    const auto widest = std::min(31, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(a.high))));
    const auto bits = 1 + random.below(static_cast<std::uint64_t>(widest));
    return std::min(a.high, static_cast<std::int64_t>(random.below(std::uint64_t{1} << bits)));
}

} // namespace

enterprises::enterprises(const catalogue& c, std::size_t count, std::int32_t today)
    : count_(count), today_(today) {
    for (const auto& a : c.attributes()) {
        if (a.subject != subject_type::enterprise) continue;
        std::uint64_t terms = 0;
        if (a.kind == attribute_kind::set)
            for (const auto& t : a.terms) terms |= std::uint64_t{1} << t.number;
        columns_.push_back({&a, known_of_1024(a.name), terms});
    }
    for (const auto& d : c.divisions().entries())
        if (d.level >= 3) towns_.push_back(std::stoll(d.code));
    for (const auto& i : c.industries().entries()) industries_.push_back(pack_code(i.code));
}

attribute_row enterprises::operator[](std::size_t row) const {
    random_numbers random(row + 1);
    const auto home = towns_[row * towns_.size() / count_];
    attribute_row out;
    for (const auto& column : columns_) {
        const auto& a = *column.of;
        if (random.below(1024) >= column.known) continue;
        std::int64_t value = 0;
        switch (a.kind) {
        case attribute_kind::boolean: {
            const bool bad = a.name.ends_with("blacklisted") || a.name.ends_with("_3y");
            value = random.below(100) < (bad ? 2 : 50) ? 1 : 0;
            break;
        }
        case attribute_kind::integer:
        case attribute_kind::decimal:
            value = amount(a, random);
            break;
        case attribute_kind::date:
            value = today_ - static_cast<std::int64_t>(random.below(1500));
            break;
        case attribute_kind::term:
            value = random.of(a.terms).number;
            break;
        case attribute_kind::set: // each term in one of eight
            value = static_cast<std::int64_t>(random.next() & random.next() & random.next() & column.terms);
            break;
        case attribute_kind::industry:
            value = random.of(industries_);
            break;
        case attribute_kind::division: // taxed and insured where it is registered, mostly
            value = a.name == "ent.reg_division" || random.below(100) < 85 ? home : random.of(towns_);
            break;
        }
        out.set(a.number, value);
    }
    return out;
}

} // namespace zhida::bench
