// Conditions and rows for databases that Zhida is compared with, in the form that suits those best: codes as
// their place in the list, so that a prefix is a range of small numbers; sets as bit masks, flags as 0 and 1;
// NULL where nothing is known. SQL's AND, OR and NOT are three-valued as ours are.
#pragma once

#include "matching/condition.hpp"

#include <cstdint>
#include <fstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace zhida::bench {

// "ent.reg_division" -> "reg_division"
std::string column_name(const matching::attribute& a);
std::string to_sql(const matching::node& n, const matching::catalogue& c, std::int32_t today);

// {"name", "hard": [..], "tests": [..], "condition"}: the top-level conditions, those apart that nobody may
// miss to be eligible, possible or one short, and the whole.
json to_sql(const std::string& name, const matching::condition& asked, const matching::catalogue& c,
            std::int32_t today);

// The attributes that any of the conditions asks for, by number.
std::vector<const matching::attribute*> asked_by(const std::vector<matching::condition>& all);

// A file of the asked columns: tabs between, nothing where nothing is known.
class table_writer {
  public:
    table_writer(const std::string& path, std::vector<const matching::attribute*> columns,
                 const matching::catalogue& c);
    void write(const attribute_row& row);
    // [{"name", "kind", "most": largest value, "known": in every row}]. Throws where the file could not be
    // written.
    json finish();

  private:
    struct column {
        const matching::attribute* of;
        const matching::code_list* codes; // null: the value is written
        std::int64_t most = 0;
        bool known = true;
    };
    std::vector<column> columns_;
    std::unordered_map<std::int64_t, std::int64_t>
        places_; // of coded industries and divisions: they do not meet
    std::ofstream file_;
    std::string line_;
};

} // namespace zhida::bench
