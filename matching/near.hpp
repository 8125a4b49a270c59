// "Did you mean": the candidates nearest to what was written, by edit distance or as a part of the name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::matching {

struct candidate {
    std::string_view code; // what would be written
    std::string_view name; // for people; may be empty
};

// Positions in `candidates`, nearest first, at most `count`. Empty where nothing is near. Distances count
// code points, so that one Chinese character is one step.
std::vector<std::size_t> nearest(std::string_view wanted, const std::vector<candidate>& candidates,
                                 std::size_t count);

// 'text', cut to some 60 bytes between characters.
std::string in_quotes(std::string_view text);

} // namespace zhida::matching
