// Where the synthetic population lives and works: the 街镇 of Baoshan by hand-set weights (no distribution is
// published), with a few per cent elsewhere.
#pragma once

#include "services/profiles/random.hpp"
#include "services/profiles/vocabulary.hpp"

#include <cstdint>
#include <vector>

namespace zhida::profiles {

class synthetic_places {
  public:
    explicit synthetic_places(vocabulary& v);

    struct town {
        std::int64_t code = 0;
        std::vector<std::int64_t> villages;
        const char* name = ""; // short: 友谊路
    };
    const town& any_town(random_stream& r) const { return towns_[by_enterprises_.pick(r)]; }
    const town& any_home(random_stream& r) const { return towns_[by_residents_.pick(r)]; }
    std::int64_t any_village(const town& t, random_stream& r) const {
        return t.villages[r.below(t.villages.size())];
    }
    std::int64_t other_district(random_stream& r) const { return districts_[r.below(districts_.size())]; }
    std::int64_t other_province(random_stream& r) const { return provinces_[by_migration_.pick(r)]; }

    std::int64_t baoshan = 0;
    std::int64_t industrial_park_town = 0; // 宝山工业园区, a division of its own
    std::int64_t cruise_towns[2] = {0, 0}; // 友谊路, 吴淞: beside the cruise terminal

  private:
    std::vector<town> towns_;
    std::vector<std::int64_t> districts_, provinces_;
    weighted by_enterprises_, by_residents_, by_migration_;
};

} // namespace zhida::profiles
