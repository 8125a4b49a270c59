// The inner loops of forward and reverse matching, for the processor that runs them. A column is an array of
// unsigned numbers, all ones where nothing is known; a mask has bit i for row i, or for item i.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace zhida::matching {

struct kernels {
    const char* name = ""; // "portable", "sse2", "avx2", "avx512"
    // Rows with low <= x <= low + span are set in `in` (others are left alone); where `known` is not null it
    // becomes x != all ones. n: rows, a multiple of 64. low + span must not be all ones or more.
    void (*range8)(const std::uint8_t* x, std::size_t n, std::uint8_t low, std::uint8_t span,
                   std::uint64_t* in, std::uint64_t* known);
    void (*range16)(const std::uint16_t* x, std::size_t n, std::uint16_t low, std::uint16_t span,
                    std::uint64_t* in, std::uint64_t* known);
    void (*range32)(const std::uint32_t* x, std::size_t n, std::uint32_t low, std::uint32_t span,
                    std::uint64_t* in, std::uint64_t* known);

    struct masks {
        const std::uint64_t* const* at = nullptr;
        std::size_t count = 0;
    };
    // Each mask says who fails one condition, or of `unknown`, who may. once: who fails any; twice: two of
    // `soft` or any of `hard`. words: of each mask, a multiple of 8. Where all of eight words fail twice,
    // their `unknown` is left zero.
    void (*count_fails)(masks hard, masks soft, masks unknown, std::size_t words, std::uint64_t* once,
                        std::uint64_t* twice, std::uint64_t* unknown_to);
    // out: who is of `wanting` (null: nobody) and in none of `met`, and who is in any of `violated`.
    void (*set_fails)(const std::uint64_t* wanting, masks met, masks violated, std::size_t words,
                      std::uint64_t* out);
};

// Those that this processor can run, the fastest first; the last is portable.
const std::vector<kernels>& all_kernels();
inline const kernels& best_kernels() {
    return all_kernels().front();
}

} // namespace zhida::matching
