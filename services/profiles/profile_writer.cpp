#include "services/profiles/profile_writer.hpp"

#include "common/base/clock.hpp"
#include "matching/profile_document.hpp"
#include "services/profiles/csv.hpp"

namespace zhida::profiles {

namespace {

constexpr std::size_t csv_contacts = 3;

// As catalogue::encode_cell reads it.
std::string cell_of(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return to_text(value);
    if (value.empty()) return "无"; // known to have none; an empty cell is not known
    std::string cell;
    for (const auto& item : value) cell += (cell.empty() ? "" : ";") + item.get<std::string>();
    return cell;
}

} // namespace

void append_json_line(std::string& to, const profile& p, const matching::catalogue& c) {
    to += to_text(matching::write_profile_document(p, c));
    to += '\n';
}

void append_csv_header(std::string& to, const matching::catalogue& c) {
    to += "id,type,name,as_of,origin";
    for (const auto& a : c.attributes()) to += "," + a.name;
    for (std::size_t i = 1; i <= csv_contacts; ++i)
        for (const char* part : {"_role", "_phone", "_openid"})
            to += ",contact" + (i == 1 ? std::string() : std::to_string(i)) + part;
    to += "\r\n";
}

void append_csv_row(std::string& to, const profile& p, const matching::catalogue& c) {
    const auto put = [&](std::string_view field) {
        to += ',';
        append_csv_field(to, field);
    };
    append_csv_field(to, p.id);
    put(to_string(p.type));
    put(p.name);
    put(p.as_of == 0 ? "" : format_date(p.as_of));
    put(p.origin);
    for (const auto& a : c.attributes()) {
        const bool known = a.subject == p.type && p.attributes.has(a.number);
        put(known ? cell_of(c.decode(a, p.attributes.value[static_cast<std::size_t>(a.number)])) : "");
    }
    for (std::size_t i = 0; i < csv_contacts; ++i) {
        const contact k = i < p.contacts.size() ? p.contacts[i] : contact{};
        put(k.role);
        put(k.phone);
        put(k.openid);
    }
    to += "\r\n";
}

} // namespace zhida::profiles
