// The commands of the program: each one file in services/commands/. Exit codes: 0 all is well, 1 what was
// checked is wrong or the work failed, 2 wrong usage.
#pragma once

#include "common/base/config.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::commands {

struct options {
    config settings;
    bool json = false; // --json: the answer as one JSON value on standard output
};

// `check_only`: says what is wrong with the configuration for these roles, or prints it, and stops.
int run(const options&, const std::vector<std::string>& roles, const std::vector<std::string>& channels,
        bool check_only);
struct demo_options {
    int port = 8080;
    std::string data = "data/demo";
    std::int64_t subjects = 80000;
    bool port_given = false;
};
int demo(const options&, const demo_options&);
int simulate(const options&);
int policy_check(const options&, const std::vector<std::string>& files);
int publish(const options&, const std::vector<std::string>& files);
int import_profiles(const options&, const std::string& file, const std::string& report_file, bool wait);
// The header of a CSV file to import, every column in Chinese.
int import_template(const options&);
struct synth_options {
    std::int64_t enterprises = 20000, residents = 60000;
    std::uint64_t seed = 1;
    std::string out;
};
int synth(const options&,
          const synth_options&); // JSON Lines, or CSV by the name of `out`; "-": standard output
int why(const options&, const std::string& subject, const std::string& policy);
int ledger_verify(const options&);
// From the event log; then as ledger_verify.
int ledger_rebuild(const options&);
enum class dlq_act : std::uint8_t { list, show, replay };
// numbers: of the letters, as list shows them; list takes none.
int dlq(const options&, dlq_act, const std::vector<std::int64_t>& numbers);

} // namespace zhida::commands
