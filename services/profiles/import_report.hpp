// The bad rows of an import as CSV that a spreadsheet opens as Chinese text and in which no cell is a
// formula.
#pragma once

#include "common/base/error.hpp"
#include "services/profiles/import_reader.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace zhida::profiles {

std::string report_text(const std::vector<bad_row>& rows);
// With the byte order mark that spreadsheets want before UTF-8.
std::string report_header();

class import_report {
  public:
    // A report of an earlier import is removed; the file is made at the first bad row.
    explicit import_report(std::string path);
    result<void> add(const std::vector<bad_row>& rows);
    // What could not be written so far.
    result<void> finish();
    bool written() const noexcept { return file_ != nullptr; }
    const std::string& path() const noexcept { return path_; }

  private:
    struct closer {
        void operator()(std::FILE* f) const noexcept { std::fclose(f); }
    };
    failure cannot_write() const;

    std::string path_;
    std::unique_ptr<std::FILE, closer> file_;
};

} // namespace zhida::profiles
