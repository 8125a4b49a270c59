// Contacts that reach nobody.
#pragma once

#include "common/model/profile.hpp"
#include "services/profiles/random.hpp"

#include <cstdint>

namespace zhida::profiles {

// 164 and eight digits; equal serials (modulo 100 million) give equal numbers.
std::string synthetic_phone(std::int64_t serial);
// 28 characters as WeChat's are, beginning with oSYN.
std::string synthetic_openid(random_stream& r);

// None for some, else one to three roles; an openid for about 60 %.
void add_enterprise_contacts(profile& p, std::int64_t index, random_stream& r);
// By age: none for children, a relative for some of the old.
void add_resident_contacts(profile& p, std::int64_t index, int age, random_stream& r);

} // namespace zhida::profiles
