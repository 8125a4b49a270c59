#include "matching/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace zhida::matching {

namespace {

// A word of the mask at a time: `in` and `known` of rows 64 * w to 64 * w + 63.
template <class T>
void portable(const T* x, std::size_t n, T low, T span, std::uint64_t* in, std::uint64_t* known) {
    constexpr T nothing = static_cast<T>(~T{0});
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, value = 0;
        for (std::size_t i = 0; i < 64; ++i) {
            inside |= std::uint64_t{static_cast<T>(x[i] - low) <= span} << i;
            value |= std::uint64_t{x[i] != nothing} << i;
        }
        in[w] |= inside;
        if (known) known[w] = value;
    }
}

// Eight words at a time; the compiler makes of it what the target has. All of it is inlined, so how a target
// would pass such values does not matter.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"
using eight = std::uint64_t __attribute__((vector_size(64)));

[[gnu::always_inline]] inline eight load(const std::uint64_t* p) {
    eight v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
[[gnu::always_inline]] inline void keep(std::uint64_t* p, eight v) {
    __builtin_memcpy(p, &v, sizeof v);
}
[[gnu::always_inline]] inline bool all_set(eight v) {
    return (v[0] & v[1] & v[2] & v[3] & v[4] & v[5] & v[6] & v[7]) == ~std::uint64_t{0};
}

[[gnu::always_inline]] inline void count_fails_of(kernels::masks hard, kernels::masks soft,
                                                  kernels::masks unknown, std::size_t words,
                                                  std::uint64_t* once_to, std::uint64_t* twice_to,
                                                  std::uint64_t* unknown_to) {
    for (std::size_t w = 0; w < words; w += 8) {
        eight once{}, twice{}, open{};
        for (std::size_t i = 0; i < hard.count; ++i) twice |= load(hard.at[i] + w);
        once = twice;
        if (!all_set(twice)) {
            for (std::size_t i = 0; i < soft.count; ++i) {
                const auto f = load(soft.at[i] + w);
                twice |= once & f;
                once |= f;
            }
            for (std::size_t i = 0; i < unknown.count; ++i) open |= load(unknown.at[i] + w);
        }
        keep(once_to + w, once);
        keep(twice_to + w, twice);
        keep(unknown_to + w, open);
    }
}

[[gnu::always_inline]] inline void set_fails_of(const std::uint64_t* wanting, kernels::masks met,
                                                kernels::masks violated, std::size_t words,
                                                std::uint64_t* out) {
    for (std::size_t w = 0; w < words; w += 8) {
        eight any{}, bad{};
        for (std::size_t i = 0; i < met.count; ++i) any |= load(met.at[i] + w);
        for (std::size_t i = 0; i < violated.count; ++i) bad |= load(violated.at[i] + w);
        if (wanting) bad |= load(wanting + w) & ~any;
        keep(out + w, bad);
    }
}

#pragma clang diagnostic pop

// Both for one target. An attribute cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define ZHIDA_MASK_KERNELS(name, target)                                                                     \
    target void name##_count(kernels::masks hard, kernels::masks soft, kernels::masks unknown,               \
                             std::size_t words, std::uint64_t* once, std::uint64_t* twice,                   \
                             std::uint64_t* unknown_to) {                                                    \
        count_fails_of(hard, soft, unknown, words, once, twice, unknown_to);                                 \
    }                                                                                                        \
    target void name##_set(const std::uint64_t* wanting, kernels::masks met, kernels::masks violated,        \
                           std::size_t words, std::uint64_t* out) {                                          \
        set_fails_of(wanting, met, violated, words, out);                                                    \
    }
// NOLINTEND(bugprone-macro-parentheses)

ZHIDA_MASK_KERNELS(portable, )

#if defined(__x86_64__)

ZHIDA_MASK_KERNELS(avx2, __attribute__((target("avx2"))))
ZHIDA_MASK_KERNELS(avx512, __attribute__((target("avx512f,avx512bw"))))

// Unsigned x - low <= span is min(x - low, span) == x - low; SSE2 has that minimum for bytes alone, so wider
// numbers subtract with saturation or compare with the sign bit turned over.

__attribute__((target("sse2"))) void sse2_8(const std::uint8_t* x, std::size_t n, std::uint8_t low,
                                            std::uint8_t span, std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm_set1_epi8(static_cast<char>(low)), s = _mm_set1_epi8(static_cast<char>(span)),
               nothing = _mm_set1_epi8(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, missing = 0;
        for (int k = 0; k < 4; ++k) {
            const auto v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x) + k);
            const auto d = _mm_sub_epi8(v, l);
            const auto bits = [k](__m128i m) {
                return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(m))} << (16 * k);
            };
            inside |= bits(_mm_cmpeq_epi8(_mm_min_epu8(d, s), d));
            missing |= bits(_mm_cmpeq_epi8(v, nothing));
        }
        in[w] |= inside;
        if (known) known[w] = ~missing;
    }
}

__attribute__((target("sse2"))) void sse2_16(const std::uint16_t* x, std::size_t n, std::uint16_t low,
                                             std::uint16_t span, std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm_set1_epi16(static_cast<short>(low)), s = _mm_set1_epi16(static_cast<short>(span)),
               nothing = _mm_set1_epi16(-1), zero = _mm_setzero_si128();
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, missing = 0;
        for (int k = 0; k < 4; ++k) {
            const auto* p = reinterpret_cast<const __m128i*>(x) + 2 * k;
            const auto a = _mm_loadu_si128(p), b = _mm_loadu_si128(p + 1);
            const auto fits_a = _mm_cmpeq_epi16(_mm_subs_epu16(_mm_sub_epi16(a, l), s), zero);
            const auto fits_b = _mm_cmpeq_epi16(_mm_subs_epu16(_mm_sub_epi16(b, l), s), zero);
            const auto bits = [k](__m128i m, __m128i o) {
                const auto packed = _mm_packs_epi16(m, o);
                return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(packed))} << (16 * k);
            };
            inside |= bits(fits_a, fits_b);
            missing |= bits(_mm_cmpeq_epi16(a, nothing), _mm_cmpeq_epi16(b, nothing));
        }
        in[w] |= inside;
        if (known) known[w] = ~missing;
    }
}

__attribute__((target("sse2"))) void sse2_32(const std::uint32_t* x, std::size_t n, std::uint32_t low,
                                             std::uint32_t span, std::uint64_t* in, std::uint64_t* known) {
    const auto sign = static_cast<int>(0x80000000U);
    const auto l = _mm_set1_epi32(static_cast<int>(low)), top = _mm_set1_epi32(sign),
               s = _mm_set1_epi32(static_cast<int>(span) ^ sign), nothing = _mm_set1_epi32(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t outside = 0, missing = 0;
        for (int k = 0; k < 16; ++k) {
            const auto v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x) + k);
            const auto d = _mm_xor_si128(_mm_sub_epi32(v, l), top);
            const auto bits = [k](__m128i m) {
                return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(m)))}
                       << (4 * k);
            };
            outside |= bits(_mm_cmpgt_epi32(d, s));
            missing |= bits(_mm_cmpeq_epi32(v, nothing));
        }
        in[w] |= ~outside;
        if (known) known[w] = ~missing;
    }
}

__attribute__((target("avx2"))) void avx2_8(const std::uint8_t* x, std::size_t n, std::uint8_t low,
                                            std::uint8_t span, std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm256_set1_epi8(static_cast<char>(low)), s = _mm256_set1_epi8(static_cast<char>(span)),
               nothing = _mm256_set1_epi8(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, missing = 0;
        for (int k = 0; k < 2; ++k) {
            const auto v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x) + k);
            const auto d = _mm256_sub_epi8(v, l);
            const auto fits = _mm256_cmpeq_epi8(_mm256_min_epu8(d, s), d);
            const auto none = _mm256_cmpeq_epi8(v, nothing);
            inside |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(fits))} << (32 * k);
            missing |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(none))} << (32 * k);
        }
        in[w] |= inside;
        if (known) known[w] = ~missing;
    }
}

__attribute__((target("avx2"))) void avx2_16(const std::uint16_t* x, std::size_t n, std::uint16_t low,
                                             std::uint16_t span, std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm256_set1_epi16(static_cast<short>(low)),
               s = _mm256_set1_epi16(static_cast<short>(span)), nothing = _mm256_set1_epi16(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, missing = 0;
        for (int k = 0; k < 2; ++k) {
            const auto* p = reinterpret_cast<const __m256i*>(x) + 2 * k;
            const auto a = _mm256_loadu_si256(p), b = _mm256_loadu_si256(p + 1);
            const auto da = _mm256_sub_epi16(a, l), db = _mm256_sub_epi16(b, l);
            // packs works within each half, so the middle quarters change places.
            const auto fits =
                _mm256_permute4x64_epi64(_mm256_packs_epi16(_mm256_cmpeq_epi16(_mm256_min_epu16(da, s), da),
                                                            _mm256_cmpeq_epi16(_mm256_min_epu16(db, s), db)),
                                         0xD8);
            const auto none = _mm256_permute4x64_epi64(
                _mm256_packs_epi16(_mm256_cmpeq_epi16(a, nothing), _mm256_cmpeq_epi16(b, nothing)), 0xD8);
            inside |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(fits))} << (32 * k);
            missing |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(none))} << (32 * k);
        }
        in[w] |= inside;
        if (known) known[w] = ~missing;
    }
}

__attribute__((target("avx2"))) void avx2_32(const std::uint32_t* x, std::size_t n, std::uint32_t low,
                                             std::uint32_t span, std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm256_set1_epi32(static_cast<int>(low)), s = _mm256_set1_epi32(static_cast<int>(span)),
               nothing = _mm256_set1_epi32(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, missing = 0;
        for (int k = 0; k < 8; ++k) {
            const auto v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x) + k);
            const auto d = _mm256_sub_epi32(v, l);
            const auto fits = _mm256_cmpeq_epi32(_mm256_min_epu32(d, s), d);
            const auto none = _mm256_cmpeq_epi32(v, nothing);
            inside |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(fits)))}
                      << (8 * k);
            missing |=
                std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(none)))}
                << (8 * k);
        }
        in[w] |= inside;
        if (known) known[w] = ~missing;
    }
}

#define ZHIDA_AVX512 __attribute__((target("avx512f,avx512bw")))

ZHIDA_AVX512 void avx512_8(const std::uint8_t* x, std::size_t n, std::uint8_t low, std::uint8_t span,
                           std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm512_set1_epi8(static_cast<char>(low)), s = _mm512_set1_epi8(static_cast<char>(span)),
               nothing = _mm512_set1_epi8(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        const auto v = _mm512_loadu_si512(x);
        in[w] |= _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, l), s);
        if (known) known[w] = _mm512_cmpneq_epu8_mask(v, nothing);
    }
}

ZHIDA_AVX512 void avx512_16(const std::uint16_t* x, std::size_t n, std::uint16_t low, std::uint16_t span,
                            std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm512_set1_epi16(static_cast<short>(low)),
               s = _mm512_set1_epi16(static_cast<short>(span)), nothing = _mm512_set1_epi16(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        const auto a = _mm512_loadu_si512(x), b = _mm512_loadu_si512(x + 32);
        in[w] |= std::uint64_t{_mm512_cmple_epu16_mask(_mm512_sub_epi16(a, l), s)} |
                 std::uint64_t{_mm512_cmple_epu16_mask(_mm512_sub_epi16(b, l), s)} << 32;
        if (known)
            known[w] = std::uint64_t{_mm512_cmpneq_epu16_mask(a, nothing)} |
                       std::uint64_t{_mm512_cmpneq_epu16_mask(b, nothing)} << 32;
    }
}

ZHIDA_AVX512 void avx512_32(const std::uint32_t* x, std::size_t n, std::uint32_t low, std::uint32_t span,
                            std::uint64_t* in, std::uint64_t* known) {
    const auto l = _mm512_set1_epi32(static_cast<int>(low)), s = _mm512_set1_epi32(static_cast<int>(span)),
               nothing = _mm512_set1_epi32(-1);
    for (std::size_t w = 0; w < n / 64; ++w, x += 64) {
        std::uint64_t inside = 0, value = 0;
        for (int k = 0; k < 4; ++k) {
            const auto v = _mm512_loadu_si512(x + 16 * k);
            inside |= std::uint64_t{_mm512_cmple_epu32_mask(_mm512_sub_epi32(v, l), s)} << (16 * k);
            value |= std::uint64_t{_mm512_cmpneq_epu32_mask(v, nothing)} << (16 * k);
        }
        in[w] |= inside;
        if (known) known[w] = value;
    }
}

#undef ZHIDA_AVX512
#endif
#undef ZHIDA_MASK_KERNELS

std::vector<kernels> usable() {
    std::vector<kernels> out;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        out.push_back({"avx512", avx512_8, avx512_16, avx512_32, avx512_count, avx512_set});
    if (__builtin_cpu_supports("avx2"))
        out.push_back({"avx2", avx2_8, avx2_16, avx2_32, avx2_count, avx2_set});
    out.push_back({"sse2", sse2_8, sse2_16, sse2_32, portable_count, portable_set});
#endif
    out.push_back({"portable", portable<std::uint8_t>, portable<std::uint16_t>, portable<std::uint32_t>,
                   portable_count, portable_set});
    return out;
}

} // namespace

const std::vector<kernels>& all_kernels() {
    static const auto all = usable();
    return all;
}

} // namespace zhida::matching
