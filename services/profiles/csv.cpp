#include "services/profiles/csv.hpp"

#include <cstring>

namespace zhida::profiles {

void csv_parser::feed(std::string_view bytes) {
    if (start_ > 0) {
        buffer_.erase(0, start_);
        scanned_ -= start_;
        start_ = 0;
    }
    buffer_ += bytes;
}

// Moves scanned_ to the end of the record; remembers its state where the bytes end first.
bool csv_parser::find_end() {
    while (scanned_ < buffer_.size()) {
        if (state_ == scan::quoted) { // only a quote ends this
            const auto* quote = static_cast<const char*>(
                std::memchr(buffer_.data() + scanned_, '"', buffer_.size() - scanned_));
            scanned_ = quote ? static_cast<std::size_t>(quote - buffer_.data()) + 1 : buffer_.size();
            if (quote) state_ = scan::quote_in_quoted;
            continue;
        }
        const char c = buffer_[scanned_++];
        if (c == '\n') {
            end_of_record_ = scanned_ - 1;
            next_start_ = scanned_;
            return true;
        }
        if (c == ',')
            state_ = scan::field_start;
        else if (c == '"')
            state_ = state_ == scan::plain ? scan::plain : scan::quoted;
        else
            state_ = scan::plain;
    }
    if (!ended_ || start_ == buffer_.size() || state_ == scan::quoted) return false;
    end_of_record_ = next_start_ = buffer_.size();
    return true;
}

void csv_parser::give_up(csv_record& out, const char* problem) {
    const auto line_end = buffer_.find('\n', start_);
    start_ = line_end == std::string::npos ? buffer_.size() : line_end + 1;
    scanned_ = start_;
    state_ = scan::field_start;
    out.problem = problem;
}

bool csv_parser::next(csv_record& out) {
    out.fields.clear();
    out.problem = nullptr;
    const bool found = find_end();
    const auto size = (found ? end_of_record_ : scanned_) - start_;
    const bool unclosed = !found && ended_ && start_ < buffer_.size();
    if (!found && !unclosed && size <= max_record) return false;
    out.row = ++row_;
    if (unclosed) {
        give_up(out, "a quoted field is never closed");
        return true;
    }
    if (size > max_record) {
        give_up(out, "longer than 65536 bytes: a quoted field is not closed, or this is no CSV");
        return true;
    }
    split({buffer_.data() + start_, size}, out);
    start_ = scanned_ = next_start_;
    state_ = scan::field_start;
    return true;
}

// Quoted fields are unfolded in place: they only become shorter.
void csv_parser::split(std::string_view record, csv_record& out) {
    if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
    char* const bytes = buffer_.data() + (record.data() - buffer_.data());
    std::size_t at = 0;
    const auto fail = [&](const char* problem) {
        out.fields.clear();
        out.problem = problem;
    };
    while (true) {
        if (out.fields.size() == max_fields) return fail("more than 512 fields");
        if (at < record.size() && record[at] == '"') {
            std::size_t to = ++at;
            const std::size_t from = at;
            while (at < record.size() &&
                   !(bytes[at] == '"' && (at + 1 == record.size() || bytes[at + 1] != '"'))) {
                if (bytes[at] == '"') ++at; // the first of two
                bytes[to++] = bytes[at++];
            }
            ++at; // the closing quote, which find_end() has seen
            out.fields.emplace_back(bytes + from, to - from);
            if (at < record.size() && record[at] != ',') return fail("text after a closing quote");
        } else {
            const auto comma = record.find(',', at);
            const auto field = record.substr(at, comma == record.npos ? record.npos : comma - at);
            if (field.find('"') != field.npos) return fail("a quote within a field that is not quoted");
            out.fields.push_back(field);
            at += field.size();
        }
        if (at >= record.size()) return;
        ++at; // the comma
    }
}

namespace {

void append_quoted(std::string& to, std::string_view field, const char* before) {
    to += '"';
    to += before;
    for (const char c : field) {
        if (c == '"') to += '"';
        to += c;
    }
    to += '"';
}

} // namespace

void append_csv_field(std::string& to, std::string_view field) {
    if (field.find_first_of(",\"\r\n") == field.npos)
        to += field;
    else
        append_quoted(to, field, "");
}

void append_csv_text(std::string& to, std::string_view field) {
    constexpr std::string_view starts = "=+-@\t\r\n";
    if (!field.empty() && starts.find(field.front()) != starts.npos)
        append_quoted(to, field, "'");
    else
        append_csv_field(to, field);
}

} // namespace zhida::profiles
