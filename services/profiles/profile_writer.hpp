// Profiles as files that the importer reads: JSON Lines or CSV.
#pragma once

#include "common/model/profile.hpp"
#include "matching/catalogue.hpp"

#include <string>

namespace zhida::profiles {

void append_json_line(std::string& to, const profile& p, const matching::catalogue& c);

// One column an attribute of either type, and three contacts.
void append_csv_header(std::string& to, const matching::catalogue& c);
// Contacts after the third are left out.
void append_csv_row(std::string& to, const profile& p, const matching::catalogue& c);

} // namespace zhida::profiles
