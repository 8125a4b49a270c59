// Synthetic residents, household by household. Margins of age, sex, household size, education and origin are
// those of Shanghai in the census of 2020 (第七次全国人口普查公报, 上海市): Baoshan's own are not all
// published.
#pragma once

#include "services/profiles/random.hpp"
#include "services/profiles/synthetic_places.hpp"
#include "services/profiles/vocabulary.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::profiles {

class synthetic_residents {
  public:
    synthetic_residents(vocabulary& v, const synthetic_places& places, std::uint64_t seed, std::int32_t day);

    // All members of a household; the first resident has the index given.
    std::vector<profile> household(std::int64_t number, std::int64_t first_index) const;

  private:
    struct member;
    struct home;
    std::vector<member> compose(random_stream& r) const;
    profile make(const home& h, const member& m, std::int64_t index, random_stream& r) const;
    void add_school(profile& p, const member& m, random_stream& r) const;
    void add_work(profile& p, const home& h, const member& m, random_stream& r) const;

    const synthetic_places* places_;
    std::uint64_t seed_;
    std::int32_t day_;
    struct numbers {
        int birth_date, sex, hukou_division, residence_division, household_size, children,
            youngest_child_birth, employment, education, certificate_level, graduation_date, veteran,
            discharge_date, disability, low_income, insured_division, rents_market_housing, housing_fund;
    } at_{};
    std::vector<std::int64_t> sexes_, employments_, educations_, certificates_;
};

} // namespace zhida::profiles
