// CSV as RFC 4180 defines it, read piece by piece: quoted fields may hold commas, quotes and line breaks;
// lines end with CRLF or LF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::profiles {

struct csv_record {
    std::int64_t row = 0;                 // as a spreadsheet counts: the first record of the file is 1
    std::vector<std::string_view> fields; // valid until the next call of feed() or next()
    const char* problem = nullptr;        // why it cannot be read; fields are then empty
};

class csv_parser {
  public:
    static constexpr std::size_t max_record = 64 * 1024; // bytes
    static constexpr std::size_t max_fields = 512;

    void feed(std::string_view bytes);
    void end() noexcept { ended_ = true; } // nothing more will be fed
    // False: feed more, or all is read. A record whose quote is never closed is given up at its first line
    // end, and reading goes on in the line after it.
    bool next(csv_record& out);

  private:
    bool find_end();
    void give_up(csv_record& out, const char* problem);
    void split(std::string_view record, csv_record& out);

    std::string buffer_;
    std::size_t start_ = 0;   // of the record that is read
    std::size_t scanned_ = 0; // looked at up to here, in this state
    enum class scan { field_start, plain, quoted, quote_in_quoted } state_ = scan::field_start;
    std::size_t end_of_record_ = 0, next_start_ = 0;
    std::int64_t row_ = 0;
    bool ended_ = false;
};

// A field for programs to read: quoted where it must be.
void append_csv_field(std::string& to, std::string_view field);
// A field for people to open in a spreadsheet: what would begin a formula is led by an apostrophe (OWASP,
// "CSV injection").
void append_csv_text(std::string& to, std::string_view field);

} // namespace zhida::profiles
