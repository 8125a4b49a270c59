#include "services/profiles/import_report.hpp"

#include <cerrno>
#include <cstring>

namespace zhida::profiles {

std::string report_header() {
    return "\xef\xbb\xbf"
           "行号 row,列 column,值 value,原因 reason,处理 fix\r\n";
}

std::string report_text(const std::vector<bad_row>& rows) {
    std::string text;
    for (const auto& r : rows) {
        text += std::to_string(r.row);
        for (const auto* field : {&r.column, &r.value, &r.reason, &r.fix}) {
            text += ',';
            append_csv_text(text, *field);
        }
        text += "\r\n";
    }
    return text;
}

import_report::import_report(std::string path) : path_(std::move(path)) {
    std::remove(path_.c_str()); // where there is none, there is nothing to remove
}

failure import_report::cannot_write() const {
    return {errc::io, std::string("the report of bad rows cannot be written: ") + std::strerror(errno), path_,
            "name another file with --report"};
}

result<void> import_report::add(const std::vector<bad_row>& rows) {
    if (rows.empty()) return {};
    std::string text;
    if (!file_) {
        file_.reset(std::fopen(path_.c_str(), "wb"));
        if (!file_) return cannot_write();
        text = report_header();
    }
    text += report_text(rows);
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) return cannot_write();
    return {};
}

result<void> import_report::finish() {
    if (file_ && std::fflush(file_.get()) != 0) return cannot_write();
    return {};
}

} // namespace zhida::profiles
