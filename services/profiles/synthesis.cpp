#include "services/profiles/synthesis.hpp"

#include "matching/profile_document.hpp"
#include "services/profiles/synthetic_enterprises.hpp"
#include "services/profiles/synthetic_places.hpp"
#include "services/profiles/synthetic_residents.hpp"

#include <algorithm>

namespace zhida::profiles {

struct synthesis::state {
    state(const matching::catalogue& c, const synthesis_options& o)
        : options(o), known(c), places(known), enterprises(known, places, o.seed, o.day),
          residents(known, places, o.seed, o.day) {}

    synthesis_options options;
    vocabulary known;
    synthetic_places places;
    synthetic_enterprises enterprises;
    synthetic_residents residents;
    std::int64_t next_enterprise = 0, next_resident = 0, next_household = 0;
    std::vector<profile> household; // the rest of it, last member first
};

synthesis::synthesis(std::unique_ptr<state> s) : state_(std::move(s)) {}
synthesis::synthesis(synthesis&&) noexcept = default;
synthesis& synthesis::operator=(synthesis&&) noexcept = default;
synthesis::~synthesis() = default;

result<synthesis> synthesis::make(const matching::catalogue& c, const synthesis_options& options) {
    auto s = std::make_unique<state>(c, options);
    if (auto complete = s->known.complete(); !complete) return complete.error();
    return synthesis(std::move(s));
}

bool synthesis::next(profile& out) {
    auto& s = *state_;
    if (s.next_enterprise < s.options.enterprises) {
        out = s.enterprises.make(s.next_enterprise++);
        matching::add_size(out, s.known.all());
        return true;
    }
    if (s.next_resident >= s.options.residents) return false;
    if (s.household.empty()) {
        s.household = s.residents.household(s.next_household++, s.next_resident);
        std::reverse(s.household.begin(), s.household.end());
    }
    out = std::move(s.household.back());
    s.household.pop_back();
    ++s.next_resident;
    return true;
}

} // namespace zhida::profiles
