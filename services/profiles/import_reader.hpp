// Reads files of profiles piece by piece: CSV with a header, or JSON Lines of profile documents; which of
// them it is, the first byte tells. Pure: the bytes come in, profiles and bad rows come out.
#pragma once

#include "common/base/error.hpp"
#include "common/model/profile.hpp"
#include "matching/catalogue.hpp"
#include "services/profiles/csv.hpp"
#include "services/profiles/id_set.hpp"
#include "services/profiles/import_columns.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zhida::profiles {

// One thing wrong with a row; a row may have several.
struct bad_row {
    std::int64_t row = 0; // CSV: as a spreadsheet counts, the header is 1; JSON Lines: the line
    std::string column;   // its header, or a JSON Pointer; empty: the row as a whole
    std::string value;    // masked where it is of a person
    std::string reason, fix;
};

struct import_counts {
    std::int64_t rows = 0; // with something in them
    std::int64_t good = 0, bad = 0;
    std::int64_t enterprises = 0, residents = 0; // of the good ones
    std::int64_t duplicates = 0;                 // of the bad ones
    std::int64_t sizes_computed = 0;             // enterprises that came without a size class
    std::int64_t sizes_differ = 0;               // enterprises whose given size class is not the computed one
};

struct import_options {
    std::int32_t today = 0; // facts from after tomorrow are refused; rows without as_of are of today
    std::string default_origin = "import"; // of rows without one
};

class import_reader {
  public:
    // The catalogue must outlive it.
    import_reader(const matching::catalogue& c, import_options options)
        : catalogue_(&c), options_(std::move(options)) {}

    // Failure: the file as a whole cannot be read (another encoding, a workbook, a bad header); it takes
    // nothing more.
    result<void> feed(std::string_view bytes);
    result<void> finish();

    // What has been read since the last call.
    std::vector<profile> take_profiles() { return std::exchange(profiles_, {}); }
    std::vector<bad_row> take_bad_rows() { return std::exchange(bad_rows_, {}); }
    const import_counts& counts() const noexcept { return counts_; }

  private:
    enum class form { unknown, csv, json_lines };
    result<void> begin(bool whole);
    result<void> read_csv();
    result<void> read_lines(bool ended);
    void read_row(const csv_record& record);
    void read_cell(const import_column& column, std::string_view cell, profile& p);
    void read_line(std::string_view line);
    void refuse(std::string column, std::string value, const failure& why);
    void settle(profile p, std::size_t errors_before, bool size_given);

    const matching::catalogue* catalogue_;
    import_options options_;
    form form_ = form::unknown;
    std::string head_; // before the form is known; with JSON Lines what is left of the last line
    csv_parser csv_;
    std::vector<import_column> columns_;
    id_set seen_;
    std::unordered_map<std::string, failure> refusals_; // what was said of "attribute=cell", to say it again
    std::int64_t row_ = 0;
    std::vector<profile> profiles_;
    std::vector<bad_row> bad_rows_;
    import_counts counts_;
};

} // namespace zhida::profiles
