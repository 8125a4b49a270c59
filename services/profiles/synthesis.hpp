// A population that does not exist: enterprises and residents of Baoshan for demonstrations and tests. The
// same seed, day and catalogue give the same subjects, one after another and without keeping any.
//
// Nobody is meant by them: names begin with 合成·, the origin is "synthetic", the organisation codes begin
// with HC, and the telephone numbers with 164, which the Ministry of Industry and Information Technology has
// given to nobody (我国公众移动通信网网号及H0分配情况, as of the end of March 2023).
#pragma once

#include "common/base/error.hpp"
#include "common/model/profile.hpp"
#include "matching/catalogue.hpp"

#include <cstdint>
#include <memory>

namespace zhida::profiles {

struct synthesis_options {
    std::int64_t enterprises = 20000, residents = 60000;
    std::uint64_t seed = 1;
    std::int32_t day = 0; // ages and dates are counted back from here; days since 1970-01-01
};

inline constexpr const char* synthetic_origin = "synthetic";
inline constexpr const char* synthetic_mark = "合成·";

// The enterprises first, then the residents, household by household.
class synthesis {
  public:
    // The catalogue must outlive it. invalid: it lacks an attribute or a term that the population has.
    static result<synthesis> make(const matching::catalogue& c, const synthesis_options& options);
    synthesis(synthesis&&) noexcept;
    synthesis& operator=(synthesis&&) noexcept;
    ~synthesis();

    // False: that was all.
    bool next(profile& out);

  private:
    struct state;
    explicit synthesis(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

} // namespace zhida::profiles
