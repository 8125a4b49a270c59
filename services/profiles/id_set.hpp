// The subject ids of a file, to find those given twice: 17 bytes an id instead of a string's 50 and more, so
// that ten million rows fit into 300 MB.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::profiles {

class id_set {
  public:
    // False where it is there already. The id must be valid (valid_subject_id).
    bool insert(std::string_view id);
    std::size_t size() const noexcept { return short_.size() + long_.size(); }

  private:
    // Six bits a character, exact for up to 21 of them; the few longer ids stay texts.
    static constexpr std::size_t packable = 21;
    boost::unordered_flat_set<std::array<std::uint64_t, 2>> short_;
    boost::unordered_flat_set<std::string> long_;
};

} // namespace zhida::profiles
