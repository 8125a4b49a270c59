// Kernels with a fault each, in place of every kernel set that this processor has: the comparisons of the
// property tests must notice all of them, and nothing where there is no fault.
#include "agreement.hpp"

#include <algorithm>

namespace zhida::matching {
namespace {

using word = std::uint64_t;
using masks = kernels::masks;

const kernels* sound = nullptr; // what the faulty ones call

void real(const std::uint8_t* x, std::size_t n, std::uint8_t low, std::uint8_t span, word* in, word* known) {
    sound->range8(x, n, low, span, in, known);
}
void real(const std::uint16_t* x, std::size_t n, std::uint16_t low, std::uint16_t span, word* in,
          word* known) {
    sound->range16(x, n, low, span, in, known);
}
void real(const std::uint32_t* x, std::size_t n, std::uint32_t low, std::uint32_t span, word* in,
          word* known) {
    sound->range32(x, n, low, span, in, known);
}

enum class fault : std::uint8_t {
    low_too_high,
    low_too_low,
    high_too_low,
    high_too_high,
    last_word_left_out,
    first_word_left_out,
    highest_bit_lost,
    lowest_bit_set,
    inside_not_kept,
    inside_turned_over,
    missing_counts_as_known,
    known_not_told,
    known_turned_over,
};

template <class T, fault F>
void faulty_range(const T* x, std::size_t n, T low, T span, word* in, word* known) {
    const auto words = n / 64;
    const std::vector<word> before(in, in + words);
    auto l = low;
    auto s = span;
    if constexpr (F == fault::low_too_high)
        if (s > 0) ++l, --s;
    if constexpr (F == fault::low_too_low)
        if (l > 0) --l, ++s;
    if constexpr (F == fault::high_too_low)
        if (s > 0) --s;
    if constexpr (F == fault::high_too_high)
        if (static_cast<T>(l + s) < static_cast<T>(~T{0}) - 1) ++s;
    real(x, n, l, s, in, known);
    if constexpr (F == fault::last_word_left_out) in[words - 1] = before[words - 1];
    if constexpr (F == fault::first_word_left_out) in[0] = before[0];
    for (std::size_t w = 0; w < words; ++w) {
        if constexpr (F == fault::highest_bit_lost) in[w] = before[w] | (in[w] & ~(word{1} << 63));
        if constexpr (F == fault::lowest_bit_set) in[w] |= 1;
        if constexpr (F == fault::inside_turned_over) in[w] = before[w] | ~in[w];
        if constexpr (F == fault::inside_not_kept) {
            word alone = 0;
            real(x + w * 64, 64, low, span, &alone, nullptr);
            in[w] = alone;
        }
        if (!known) continue;
        if constexpr (F == fault::missing_counts_as_known) known[w] = ~word{0};
        if constexpr (F == fault::known_not_told) known[w] = 0;
        if constexpr (F == fault::known_turned_over) known[w] = ~known[w];
    }
}

enum class count_fault : std::uint8_t {
    hard_are_soft,
    soft_are_hard,
    last_hard_lost,
    last_soft_lost,
    last_unknown_lost,
    unknown_fails,
    twice_is_once,
    never_twice,
    once_by_and,
    last_words_left_out,
    highest_bit_lost,
};

template <count_fault F>
void faulty_count(masks hard, masks soft, masks unknown, std::size_t words, word* once, word* twice,
                  word* open) {
    const auto less = [](masks& m) { m.count -= m.count > 0 ? 1 : 0; };
    std::vector<const word*> all(hard.at, hard.at + hard.count);
    if constexpr (F == count_fault::unknown_fails) all.assign(soft.at, soft.at + soft.count);
    const auto& more = F == count_fault::unknown_fails ? unknown : soft;
    all.insert(all.end(), more.at, more.at + more.count);
    if constexpr (F == count_fault::hard_are_soft) hard = {}, soft = {all.data(), all.size()};
    if constexpr (F == count_fault::soft_are_hard) soft = {}, hard = {all.data(), all.size()};
    if constexpr (F == count_fault::unknown_fails) soft = {all.data(), all.size()};
    if constexpr (F == count_fault::last_hard_lost) less(hard);
    if constexpr (F == count_fault::last_soft_lost) less(soft);
    if constexpr (F == count_fault::last_unknown_lost) less(unknown);
    sound->count_fails(hard, soft, unknown, words, once, twice, open);
    for (std::size_t w = 0; w < words; ++w) {
        if constexpr (F == count_fault::twice_is_once) twice[w] = once[w];
        if constexpr (F == count_fault::never_twice) twice[w] = 0;
        if constexpr (F == count_fault::once_by_and) {
            once[w] = twice[w];
            word every = ~word{0};
            for (std::size_t i = 0; i < soft.count; ++i) every &= soft.at[i][w];
            if (soft.count > 0) once[w] |= every;
        }
        if constexpr (F == count_fault::last_words_left_out)
            if (w >= words - 8) once[w] = twice[w] = open[w] = 0;
        if constexpr (F == count_fault::highest_bit_lost)
            once[w] &= ~(word{1} << 63), twice[w] &= ~(word{1} << 63);
    }
}

enum class set_fault : std::uint8_t {
    wanting_lost,
    met_lost,
    last_met_lost,
    violated_lost,
    last_violated_lost,
    met_by_and,
    wanting_turned_over,
    last_words_left_out,
    lowest_bit_lost,
};

template <set_fault F>
void faulty_set(const word* wanting, masks met, masks violated, std::size_t words, word* out) {
    const auto less = [](masks& m) { m.count -= m.count > 0 ? 1 : 0; };
    std::vector<word> other(words);
    if constexpr (F == set_fault::wanting_lost) wanting = nullptr;
    if constexpr (F == set_fault::met_lost) met = {};
    if constexpr (F == set_fault::last_met_lost) less(met);
    if constexpr (F == set_fault::violated_lost) violated = {};
    if constexpr (F == set_fault::last_violated_lost) less(violated);
    if constexpr (F == set_fault::wanting_turned_over)
        if (wanting) {
            for (std::size_t w = 0; w < words; ++w) other[w] = ~wanting[w];
            wanting = other.data();
        }
    const word* one = other.data();
    if constexpr (F == set_fault::met_by_and)
        if (met.count > 1) {
            other.assign(met.at[0], met.at[0] + words);
            for (std::size_t i = 1; i < met.count; ++i)
                for (std::size_t w = 0; w < words; ++w) other[w] &= met.at[i][w];
            met = {&one, 1};
        }
    sound->set_fails(wanting, met, violated, words, out);
    for (std::size_t w = 0; w < words; ++w) {
        if constexpr (F == set_fault::last_words_left_out)
            if (w >= words - 8) out[w] = 0;
        if constexpr (F == set_fault::lowest_bit_lost) out[w] &= ~word{1};
    }
}

struct mutant {
    std::string what;
    kernels with;
};

template <std::size_t... F>
void add_ranges(std::vector<mutant>& to, const kernels& of, std::index_sequence<F...>) {
    const auto add = [&](std::string what, auto change) {
        to.push_back({std::move(what), of});
        change(to.back().with);
    };
    (add("range8, fault " + std::to_string(F),
         [](kernels& k) { k.range8 = faulty_range<std::uint8_t, static_cast<fault>(F)>; }),
     ...);
    (add("range16, fault " + std::to_string(F),
         [](kernels& k) { k.range16 = faulty_range<std::uint16_t, static_cast<fault>(F)>; }),
     ...);
    (add("range32, fault " + std::to_string(F),
         [](kernels& k) { k.range32 = faulty_range<std::uint32_t, static_cast<fault>(F)>; }),
     ...);
}
template <std::size_t... F>
void add_counts(std::vector<mutant>& to, const kernels& of, std::index_sequence<F...>) {
    (to.push_back({"count_fails, fault " + std::to_string(F), of}), ...);
    auto at = to.end() - sizeof...(F);
    ((at++->with.count_fails = faulty_count<static_cast<count_fault>(F)>), ...);
}
template <std::size_t... F>
void add_sets(std::vector<mutant>& to, const kernels& of, std::index_sequence<F...>) {
    (to.push_back({"set_fails, fault " + std::to_string(F), of}), ...);
    auto at = to.end() - sizeof...(F);
    ((at++->with.set_fails = faulty_set<static_cast<set_fault>(F)>), ...);
}

std::vector<mutant> mutants_of(const kernels& of) {
    std::vector<mutant> out;
    add_ranges(out, of, std::make_index_sequence<static_cast<std::size_t>(fault::known_turned_over) + 1>());
    add_counts(out, of,
               std::make_index_sequence<static_cast<std::size_t>(count_fault::highest_bit_lost) + 1>());
    add_sets(out, of, std::make_index_sequence<static_cast<std::size_t>(set_fault::lowest_bit_lost) + 1>());
    return out;
}

// One case of the property tests, drawn as they draw it.
struct drawn {
    table rows;
    std::vector<condition> items;
    std::vector<judged> expected; // by item, of all rows
};

std::shared_ptr<const drawn> draw(std::uint64_t seed) {
    const auto gen = rc::gen::exec([] {
        auto d = std::make_shared<drawn>();
        // Now and then more items than a word has bits: the reverse index keeps a bit for each.
        const bool many = number(0, 3) == 0;
        fill(d->rows, static_cast<std::size_t>(number(1, many ? 64 : 300)));
        for (int i = many ? number(64, 150) : number(1, 30); i > 0; --i)
            d->items.push_back(compiled(random_tree(number(0, 3))));
        return std::shared_ptr<const drawn>(std::move(d));
    });
    const auto made = std::make_shared<drawn>(*gen(rc::Random(seed), 100).value());
    for (const auto& c : made->items)
        made->expected.push_back(plainly(c, made->rows.rows, made->rows.present));
    return made;
}

bool notices(const drawn& d, const kernels& k) {
    for (std::size_t i = 0; i < d.items.size(); ++i)
        if (scanned(d.items[i], d.rows.held, k) != d.expected[i]) return true;
    const reverse_index index(d.items, today);
    reverse_index::space space;
    reverse_index::outcome said;
    for (std::size_t row = 0; row < std::min<std::size_t>(d.rows.rows.size(), 8); ++row) {
        index.match(d.rows.rows[row], space, said, k);
        if (!disagreement(index, said, d.rows.rows[row]).empty()) return true;
    }
    return false;
}

TEST(kernels, every_fault_in_them_is_noticed) {
    std::vector<std::shared_ptr<const drawn>> cases;
    const auto case_number = [&](std::size_t i) {
        while (cases.size() <= i) cases.push_back(draw(cases.size() + 1));
        return cases[i];
    };
    constexpr std::size_t most_cases = 100; // as many as a property test draws
    for (const auto& k : all_kernels()) {
        sound = &k;
        for (const auto& m : mutants_of(k)) {
            std::size_t i = 0;
            while (i < most_cases && !notices(*case_number(i), m.with)) ++i;
            EXPECT_LT(i, most_cases) << k.name << ": " << m.what << " is not noticed";
        }
    }
    for (const auto& k : all_kernels())
        for (const auto& d : cases) EXPECT_FALSE(notices(*d, k)) << k.name;
}

} // namespace
} // namespace zhida::matching
