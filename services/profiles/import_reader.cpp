#include "services/profiles/import_reader.hpp"

#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "common/model/document_reader.hpp"
#include "common/model/profile_rules.hpp"
#include "matching/profile_document.hpp"
#include "services/profiles/cells.hpp"
#include "services/profiles/file_encoding.hpp"

namespace zhida::profiles {

namespace {

using meaning = import_column::meaning;

constexpr std::size_t head_size = 64 * 1024; // looked at before anything is read
constexpr std::size_t most_refusals = 1000;
constexpr json_limits line_limits{.bytes = 64 * 1024, .depth = 8};

bool parse_type(std::string_view text, subject_type& type) {
    if (text == "企业") return type = subject_type::enterprise, true;
    if (text == "居民") return type = subject_type::resident, true;
    return parse(text, type);
}

failure not_utf8(std::string_view bytes) {
    return {errc::invalid, "the row is not UTF-8", "",
            looks_like_gbk(bytes) ? "it looks like GBK: convert the file with iconv -f GBK -t UTF-8"
                                  : "export the file as UTF-8"};
}

// What may be shown of a value in a JSON document: nothing that is or could be of a person.
std::string shown(const json& document, const std::string& pointer, const matching::catalogue& c) {
    const auto type = document.is_object() ? document.value("type", json()) : json();
    const bool enterprise = type.is_string() && type.get_ref<const std::string&>() == "enterprise";
    const json* value = nullptr;
    try {
        value = &document.at(json::json_pointer(pointer == "/" ? "" : pointer));
    } catch (const json::exception&) {
        return ""; // the member is missing
    }
    if (value->is_structured()) return "";
    const auto text = value->is_string() ? value->get<std::string>() : to_text(*value);
    if (pointer.starts_with("/contacts") || pointer.starts_with("/sealed_contacts")) return log::masked(text);
    if (pointer.starts_with("/attributes/")) {
        const auto* a = c.find(std::string_view(pointer).substr(12));
        return (a ? matching::may_be_shown(*a) : enterprise) ? shortened(text) : "***";
    }
    if (!enterprise && (pointer == "/id" || pointer == "/name")) return log::masked(text);
    return shortened(text);
}

} // namespace

void import_reader::refuse(std::string column, std::string value, const failure& why) {
    bad_rows_.push_back({row_, std::move(column), std::move(value), why.what, why.fix});
}

result<void> import_reader::feed(std::string_view bytes) {
    if (form_ == form::csv) {
        csv_.feed(bytes);
        return read_csv();
    }
    head_ += bytes;
    if (form_ == form::json_lines) return read_lines(false);
    if (head_.size() < head_size) return {};
    return begin(false);
}

result<void> import_reader::finish() {
    if (form_ == form::unknown)
        if (auto begun = begin(true); !begun) return begun;
    if (form_ == form::json_lines) return read_lines(true);
    csv_.end();
    if (auto read = read_csv(); !read) return read;
    if (columns_.empty())
        return failure{errc::invalid, "the file is empty", "", "a CSV file begins with a header"};
    return {};
}

result<void> import_reader::begin(bool whole) {
    if (auto good = check_encoding(head_, whole); !good) return good;
    if (head_.starts_with("\xef\xbb\xbf")) head_.erase(0, 3);
    const auto first = head_.find_first_not_of(" \t\r\n");
    form_ = first != head_.npos && head_[first] == '{' ? form::json_lines : form::csv;
    if (form_ == form::json_lines) return read_lines(false);
    csv_.feed(std::exchange(head_, {}));
    return read_csv();
}

result<void> import_reader::read_csv() {
    csv_record record;
    while (csv_.next(record)) {
        row_ = record.row;
        const bool blank = !record.problem && record.fields.size() == 1 && trimmed(record.fields[0]).empty();
        if (blank) continue;
        if (!columns_.empty()) {
            read_row(record);
            continue;
        }
        if (record.problem)
            return failure{errc::invalid, std::string("the header cannot be read: ") + record.problem,
                           "row " + std::to_string(row_), "export the file as CSV again"};
        auto columns = read_header(record.fields, *catalogue_);
        if (!columns) return columns.error();
        columns_ = std::move(*columns);
    }
    return {};
}

void import_reader::read_row(const csv_record& record) {
    ++counts_.rows;
    const auto before = bad_rows_.size();
    profile p;
    p.origin = options_.default_origin;
    p.as_of = options_.today;
    const auto give_up = [&](std::string column, std::string value, const failure& why) {
        refuse(std::move(column), std::move(value), why);
        ++counts_.bad;
    };
    if (record.problem)
        return give_up("", "", {errc::invalid, record.problem, "", "correct the quotes (RFC 4180)"});
    for (const auto field : record.fields)
        if (!valid_utf8(field)) return give_up("", "", not_utf8(field));
    if (record.fields.size() != columns_.size())
        return give_up("", "",
                       {errc::invalid,
                        std::to_string(record.fields.size()) + " fields, but the header has " +
                            std::to_string(columns_.size()),
                        "", "a field with a comma must stand in quotes"});
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (columns_[i].what == meaning::type) {
            const auto cell = trimmed(record.fields[i]);
            if (!parse_type(cell, p.type)) // id and attributes mean nothing without it
                return give_up(
                    columns_[i].header, shortened(cell),
                    {errc::invalid, "not a subject type", "", "enterprise or resident (企业, 居民)"});
        }
    for (std::size_t i = 0; i < columns_.size(); ++i) read_cell(columns_[i], trimmed(record.fields[i]), p);
    std::erase_if(p.contacts, [](const contact& k) { return k == contact{}; });
    const auto* size = catalogue_->find("ent.size");
    const bool size_given = size && p.type == subject_type::enterprise && p.attributes.has(size->number);
    if (bad_rows_.size() == before) matching::add_size(p, *catalogue_);
    settle(std::move(p), before, size_given);
}

void import_reader::read_cell(const import_column& column, std::string_view cell, profile& p) {
    const bool person = p.type == subject_type::resident;
    const auto checked = [&](std::optional<failure> why, bool personal) {
        if (why) refuse(column.header, personal ? log::masked(cell) : shortened(cell), *why);
    };
    const auto contact_of = [&]() -> contact& {
        if (p.contacts.size() <= column.contact) p.contacts.resize(column.contact + 1);
        return p.contacts[column.contact];
    };
    switch (column.what) {
    case meaning::type:
        return;
    case meaning::id:
        p.id = person ? std::string(cell) : code_cell(cell);
        return checked(check_id(p.id, p.type), person);
    case meaning::name:
        p.name = cell;
        return checked(check_name(cell), person);
    case meaning::origin:
        if (!cell.empty()) p.origin = cell;
        return checked(check_origin(p.origin), false);
    case meaning::as_of:
        if (!cell.empty() && !parse_date(date_cell(cell), p.as_of))
            refuse(column.header, shortened(cell),
                   {errc::invalid, "not a date", "", "write it as 2026-11-23"});
        return;
    case meaning::role:
        contact_of().role = cell;
        return checked(check_role(cell), false);
    case meaning::phone:
        contact_of().phone = phone_cell(cell);
        return checked(check_phone(contact_of().phone), true);
    case meaning::openid:
        contact_of().openid = cell;
        return checked(check_openid(cell), true);
    case meaning::attribute:
        break;
    }
    if (cell.empty()) return; // not known
    const auto* a = person ? column.of_resident : column.of_enterprise;
    if (!a) {
        const auto* other = person ? column.of_enterprise : column.of_resident;
        return refuse(column.header, matching::may_be_shown(*other) ? shortened(cell) : "***",
                      matching::wrong_subject(*other, p.type));
    }
    // A wrong code mostly comes in many rows, and looking for what is near it takes longer than all the rest.
    const auto key = [&] { return a->name + '=' + std::string(cell); };
    auto told = refusals_.empty() ? refusals_.end() : refusals_.find(key());
    if (told == refusals_.end()) {
        const auto date = a->kind == matching::attribute_kind::date ? date_cell(cell) : std::string();
        const auto coded = catalogue_->encode_cell(*a, date.empty() ? cell : std::string_view(date));
        if (coded) {
            p.attributes.set(a->number, *coded);
            return;
        }
        if (refusals_.size() >= most_refusals) refusals_.clear();
        told = refusals_.emplace(key(), matching::refusal(*a, coded.error())).first;
    }
    refuse(column.header, matching::may_be_shown(*a) ? shortened(cell) : "***", told->second);
}

result<void> import_reader::read_lines(bool ended) {
    std::size_t start = 0;
    while (start < head_.size()) {
        const auto end = head_.find('\n', start);
        if (end == std::string::npos && !ended) break;
        const auto line = std::string_view(head_).substr(start, end == std::string::npos ? end : end - start);
        start = end == std::string::npos ? head_.size() : end + 1;
        ++row_;
        if (!trimmed(line).empty()) read_line(line);
    }
    head_.erase(0, start);
    if (head_.size() > 16 * line_limits.bytes)
        return failure{errc::invalid, "a line of more than a megabyte", "line " + std::to_string(row_ + 1),
                       "JSON Lines has one document a line; this may be one JSON value for all"};
    return {};
}

void import_reader::read_line(std::string_view line) {
    ++counts_.rows;
    const auto before = bad_rows_.size();
    if (!valid_utf8(line)) {
        refuse("", "", not_utf8(line));
        ++counts_.bad;
        return;
    }
    const auto document = parse_json(line, line_limits);
    if (!document) { // its text may repeat what stands in the line, which may be of a person
        refuse("", "",
               {errc::invalid, "not valid JSON, given too often, too deep or too long", "",
                "one document a line; check the line with a JSON editor"});
        ++counts_.bad;
        return;
    }
    std::vector<failure> errors;
    auto read = matching::read_profile_document(*document, *catalogue_, errors);
    for (const auto& e : errors) {
        auto safe = e;
        safe.where.clear();
        refuse(e.where, shown(*document, e.where, *catalogue_), safe);
    }
    if (!read) {
        ++counts_.bad;
        return;
    }
    const auto attributes = document->find("attributes");
    const bool size_given = attributes != document->end() && attributes->is_object() &&
                            attributes->contains("ent.size") && !attributes->at("ent.size").is_null();
    if (read->origin.empty()) read->origin = options_.default_origin;
    if (read->as_of == 0) read->as_of = options_.today;
    settle(std::move(*read), before, size_given);
}

void import_reader::settle(profile p, std::size_t errors_before, bool size_given) {
    const bool person = p.type == subject_type::resident;
    if (p.as_of > options_.today + 1)
        refuse("as_of", format_date(p.as_of),
               {errc::invalid, "facts from the future", "", "the day the facts were taken"});
    if (bad_rows_.size() == errors_before && !seen_.insert(p.id)) {
        refuse("id", person ? log::masked(p.id) : p.id,
               {errc::conflict, "the subject stands in the file already; this row was left out", "",
                "keep one row a subject"});
        ++counts_.duplicates;
    }
    if (bad_rows_.size() != errors_before) {
        ++counts_.bad;
        return;
    }
    ++counts_.good;
    ++(person ? counts_.residents : counts_.enterprises);
    if (size_given && matching::size_differs(p, *catalogue_)) ++counts_.sizes_differ;
    const auto* size = catalogue_->find("ent.size");
    if (!size_given && !person && size && p.attributes.has(size->number)) ++counts_.sizes_computed;
    profiles_.push_back(std::move(p));
}

} // namespace zhida::profiles
