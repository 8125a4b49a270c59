#include "services/profiles/import_columns.hpp"

#include "common/model/document_reader.hpp"
#include "common/model/profile.hpp"
#include "services/profiles/cells.hpp"

#include <algorithm>
#include <optional>

namespace zhida::profiles {

namespace {

using meaning = import_column::meaning;

struct fixed_name {
    std::string_view name;
    meaning what;
};
constexpr fixed_name fixed_names[] = {
    {"编号", meaning::id},       {"id", meaning::id},           {"统一社会信用代码", meaning::id},
    {"主体编号", meaning::id},   {"类型", meaning::type},       {"type", meaning::type},
    {"主体类别", meaning::type}, {"名称", meaning::name},       {"name", meaning::name},
    {"企业名称", meaning::name}, {"姓名", meaning::name},       {"数据日期", meaning::as_of},
    {"as_of", meaning::as_of},   {"数据来源", meaning::origin}, {"origin", meaning::origin}};

struct contact_name {
    std::string_view english, chinese;
    meaning what;
};
constexpr contact_name contact_names[] = {{"role", "角色", meaning::role},
                                          {"phone", "手机", meaning::phone},
                                          {"openid", "openid", meaning::openid}};

// contact_phone, contact2_phone ... contact16_phone; 联系人手机, 联系人2手机 ...
std::optional<import_column> contact_column(std::string_view header) {
    const bool english = header.starts_with("contact");
    if (!english && !header.starts_with("联系人")) return std::nullopt;
    header.remove_prefix(std::string_view(english ? "contact" : "联系人").size());
    import_column column;
    std::size_t number = 0;
    for (; number < 100 && !header.empty() && header[0] >= '0' && header[0] <= '9'; header.remove_prefix(1))
        number = number * 10 + static_cast<std::size_t>(header[0] - '0');
    if (number > max_contacts) return std::nullopt;
    column.contact = number == 0 ? 0 : number - 1;
    if (english) {
        if (!header.starts_with('_')) return std::nullopt;
        header.remove_prefix(1);
    }
    for (const auto& n : contact_names)
        if (header == (english ? n.english : n.chinese)) {
            column.what = n.what;
            return column;
        }
    return std::nullopt;
}

std::optional<import_column> column_named(std::string_view header, const matching::catalogue& c) {
    import_column column;
    for (const auto& n : fixed_names)
        if (header == n.name) {
            column.what = n.what;
            return column;
        }
    if (auto found = contact_column(header)) return found;
    const auto put = [&](const matching::attribute& a) {
        auto& slot = a.subject == subject_type::enterprise ? column.of_enterprise : column.of_resident;
        if (!slot) slot = &a;
    };
    if (const auto* a = c.find(header))
        put(*a);
    else
        for (const auto& candidate : c.attributes())
            if (candidate.label == header) put(candidate);
    if (!column.of_enterprise && !column.of_resident) return std::nullopt;
    return column;
}

bool same_meaning(const import_column& a, const import_column& b) {
    if (a.what != b.what) return false;
    if (a.what != meaning::attribute) return a.contact == b.contact;
    return (a.of_enterprise && a.of_enterprise == b.of_enterprise) ||
           (a.of_resident && a.of_resident == b.of_resident);
}

} // namespace

result<std::vector<import_column>> read_header(const std::vector<std::string_view>& fields,
                                               const matching::catalogue& c) {
    if (fields.size() == 1 && fields[0].find_first_of(";\t") != fields[0].npos)
        return failure{errc::invalid, "the header has one column: its fields are not separated by commas",
                       "row 1", "save the file as CSV with commas"};
    std::vector<import_column> columns;
    std::string wrong;
    constexpr std::size_t most_told = 8; // of the columns that are not known
    std::size_t unknown = 0;
    const auto complain = [&](std::string text) { wrong += (wrong.empty() ? "" : "; ") + std::move(text); };
    for (const auto field : fields) {
        const auto header = trimmed(field);
        auto column = column_named(header, c);
        if (!column) {
            if (++unknown > most_told) continue;
            std::string near;
            for (const auto& n : c.near(header)) near += (near.empty() ? "" : ", ") + n;
            complain("column '" + shortened(header) + "' is not known" +
                     (near.empty() ? "" : ", near it are " + near));
            continue;
        }
        column->header = header;
        for (const auto& earlier : columns)
            if (same_meaning(earlier, *column))
                complain("column '" + std::string(header) + "' says the same as '" + earlier.header + "'");
        columns.push_back(std::move(*column));
    }
    if (unknown > most_told)
        complain("and " + std::to_string(unknown - most_told) + " more columns are not known");
    for (const auto& [what, name] : {std::pair{meaning::id, "id' (编号, 统一社会信用代码)"},
                                     {meaning::type, "type' (类型)"},
                                     {meaning::name, "name' (名称)"}})
        if (std::none_of(columns.begin(), columns.end(), [&](const auto& k) { return k.what == what; }))
            complain(std::string("there is no column '") + name);
    if (!wrong.empty())
        return failure{errc::invalid, wrong, "row 1",
                       "zhida import --help describes the columns, --template prints them all"};
    return columns;
}

std::vector<std::string> chinese_header(const matching::catalogue& c) {
    std::vector<std::string> all{"编号", "类型", "名称", "数据日期", "数据来源"};
    for (const auto& a : c.attributes()) // a label of both types goes by the row's type
        if (std::find(all.begin(), all.end(), a.label) == all.end()) all.push_back(a.label);
    for (const auto* contact : {"联系人", "联系人2"})
        for (const auto& n : contact_names) all.push_back(std::string(contact) + std::string(n.chinese));
    return all;
}

} // namespace zhida::profiles
