#include "services/profiles/synthetic_places.hpp"

#include <string>

namespace zhida::profiles {

namespace {

struct town_weight {
    const char *code, *name;
    double enterprises, residents;
};
constexpr town_weight town_weights[] = {
    {"310113003", "友谊路", 8, 8},      {"310113007", "吴淞", 5, 6},   {"310113008", "张庙", 3, 7},
    {"310113101", "罗店", 9, 9},        {"310113102", "大场", 14, 17}, {"310113103", "杨行", 13, 12},
    {"310113104", "月浦", 7, 6},        {"310113106", "罗泾", 5, 3},   {"310113109", "顾村", 13, 16},
    {"310113111", "高境", 6, 6},        {"310113112", "庙行", 5, 5},   {"310113113", "淞南", 7, 6},
    {"310113501", "宝山工业园区", 5, 1}};

constexpr const char* other_districts[] = {"310101", "310104", "310105", "310106", "310107",
                                           "310109", "310110", "310112", "310114", "310115",
                                           "310116", "310117", "310118", "310120", "310151"};

// Where people from outside come from, by hand: the neighbours first.
struct province_weight {
    const char* code;
    double weight;
};
constexpr province_weight province_weights[] = {{"340000", 26}, {"320000", 20}, {"410000", 11}, {"510000", 6},
                                                {"360000", 6},  {"330000", 5},  {"420000", 5},  {"370000", 5},
                                                {"350000", 4},  {"500000", 3},  {"520000", 2},  {"230000", 2},
                                                {"610000", 2},  {"430000", 2},  {"620000", 1}};

} // namespace

synthetic_places::synthetic_places(vocabulary& v)
    : baoshan(v.division("310113")), industrial_park_town(v.division("310113501")),
      cruise_towns{v.division("310113003"), v.division("310113007")} {
    for (const auto& t : town_weights) {
        towns_.push_back({v.division(t.code), v.villages_below(t.code), t.name});
        by_enterprises_.add(t.enterprises);
        by_residents_.add(t.residents);
    }
    for (const auto* d : other_districts) districts_.push_back(v.division(d));
    for (const auto& p : province_weights) {
        provinces_.push_back(v.division(p.code));
        by_migration_.add(p.weight);
    }
}

} // namespace zhida::profiles
