// Strict reading of config/catalogue: every error of every file, none after the first left out.
#include "matching/catalogue.hpp"
#include "matching/decimal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace zhida::matching {

namespace {

std::optional<std::string> read_file(const std::string& path, std::vector<failure>& errors) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (in) text << in.rdbuf();
    if (!in || in.bad()) {
        errors.push_back({errc::io, "cannot be read: " + std::string(std::strerror(errno)), path,
                          "the catalogue needs attributes.json, industries.csv, divisions.csv and "
                          "size_classes.json in one folder"});
        return std::nullopt;
    }
    return std::move(text).str();
}

std::optional<json> read_json(const std::string& path, std::vector<failure>& errors) {
    const auto text = read_file(path, errors);
    if (!text) return std::nullopt;
    auto parsed = parse_json(*text);
    if (parsed) return std::move(*parsed);
    auto why = parsed.error();
    why.where = path;
    errors.push_back(std::move(why));
    return std::nullopt;
}

bool all_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool good_industry(const code_entry& e) {
    constexpr std::array<std::size_t, 5> length = {0, 1, 3, 4, 5};
    return e.level >= 1 && e.level <= 4 && e.code.size() == length[static_cast<std::size_t>(e.level)] &&
           e.code[0] >= 'A' && e.code[0] <= 'T' && (e.level == 1 || all_digits(e.code.substr(1))) &&
           (e.level == 1) == e.parent.empty() && e.code.starts_with(e.parent);
}

// GB/T 2260 and the statistical codes below it: 6 digits to the district, 9 for a street, 12 for a village.
bool good_division(const code_entry& e) {
    const std::size_t length = e.level <= 3 ? 6 : e.level == 4 ? 9 : 12;
    const std::size_t shared = e.level <= 3 ? 2 : e.level == 4 ? 6 : 9; // characters that the parent has too
    return e.level >= 1 && e.level <= 5 && e.code.size() == length && all_digits(e.code) &&
           e.code[0] != '0' && (e.level == 1) == e.parent.empty() &&
           (e.parent.empty() || e.code.compare(0, shared, e.parent, 0, shared) == 0);
}

// Four columns, no quotes: code, name, level, parent.
code_list load_codes(const std::string& path, std::string_view header, bool (*good)(const code_entry&),
                     std::vector<failure>& errors) {
    const auto text = read_file(path, errors);
    std::vector<code_entry> entries;
    if (!text) return {};
    std::istringstream lines(*text);
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const auto where = path + ":" + std::to_string(number);
        if (number == 1) {
            if (line == header) continue;
            errors.push_back({errc::invalid, "does not begin with the right columns", where,
                              "the first line must be " + std::string(header)});
            return {};
        }
        std::vector<std::string> cells(1);
        for (const char c : line)
            if (c == ',')
                cells.emplace_back();
            else
                cells.back() += c;
        code_entry e;
        if (cells.size() == 4) {
            e = {cells[0], cells[1], cells[3], 0};
            e.level = cells[2].size() == 1 && all_digits(cells[2]) ? cells[2][0] - '0' : 0;
        }
        // A bad line stays in the list, so that line numbers and the parents of others stay right.
        if (cells.size() != 4 || e.name.empty() || line.find('"') != line.npos || !good(e))
            errors.push_back({errc::invalid, "not a good line: " + line.substr(0, 80), where,
                              std::string(header) + ", without quotes; code, level and parent must agree"});
        entries.push_back(std::move(e));
    }
    return code_list::make(std::move(entries), path, errors);
}

std::optional<attribute_kind> kind_named(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(attribute_kind::division); ++i)
        if (name == to_string(static_cast<attribute_kind>(i))) return static_cast<attribute_kind>(i);
    return std::nullopt;
}

bool good_name(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    };
    return name.size() <= 64 && !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
           std::all_of(name.begin(), name.end(), good);
}

// "min" and "max" stand in the attribute's unit.
std::int64_t read_bound(json_reader& r, std::string_view member, int decimals, std::int64_t otherwise) {
    const auto value = r.number(member, false);
    std::int64_t coded = otherwise;
    if (value && parse_decimal(*value, decimals, coded) != decimal_error::none)
        r.error_at(member, "is too large or has more decimals than the attribute");
    return coded;
}

void read_terms(json_reader& r, attribute& a) {
    const bool wanted = a.kind == attribute_kind::term || a.kind == attribute_kind::set;
    if (!wanted && r.has("terms")) r.error_at("terms", "only an enum or a set has terms");
    if (!wanted || !r.array("terms", true)) return;
    auto list = r["terms"];
    if (list.value().empty()) list.error("must not be empty");
    std::set<int> numbers;
    std::set<std::string> codes;
    for (std::size_t i = 0; i < list.value().size(); ++i) {
        auto item = list[i];
        if (!item.is_object()) continue;
        item.only({"n", "code", "label", "label_en"});
        term t;
        // A set is a bit mask in a signed number: 63 terms.
        t.number = static_cast<int>(
            item.integer("n", true, 0, a.kind == attribute_kind::set ? 62 : 65535).value_or(0));
        t.code = item.text("code", true, 200).value_or("");
        t.label = item.text("label", true, 200).value_or("");
        t.label_en = item.text("label_en", false, 200).value_or("");
        if (!numbers.insert(t.number).second)
            item.error_at("n", "is taken by another term", "numbers are unique");
        if (!codes.insert(t.code).second)
            item.error_at("code", "is taken by another term", "codes are unique");
        a.terms.push_back(std::move(t));
    }
}

attribute read_attribute(json_reader r) {
    attribute a;
    if (!r.is_object()) return a;
    r.only({"n", "name", "subject", "type", "label", "label_en", "unit", "decimals", "source", "sensitivity",
            "min", "max", "terms"});
    a.number = static_cast<int>(r.integer("n", true, 0, max_attributes - 1).value_or(0));
    a.name = r.text("name", true, 100).value_or("");
    if (!a.name.empty() && !good_name(a.name))
        r.error_at("name", "'" + a.name + "' is not a name",
                   "a-z, 0-9, _ and ., at most 64, as in ent.headcount");
    if (const auto subject = r.text("subject", true); subject && !parse(*subject, a.subject))
        r.error_at("subject", "'" + *subject + "' is not a subject type", "enterprise or resident");
    if (const auto type = r.text("type", true)) {
        const auto kind = kind_named(*type);
        if (!kind)
            r.error_at("type", "'" + *type + "' is not a type",
                       "boolean, integer, decimal, date, enum, set, industry or division");
        a.kind = kind.value_or(attribute_kind::boolean);
    }
    a.label = r.text("label", true, 200).value_or("");
    a.label_en = r.text("label_en", true, 200).value_or("");
    a.unit = r.text("unit", false, 50).value_or("");
    a.source = r.text("source", true, 200).value_or("");
    a.sensitivity = r.text("sensitivity", true).value_or("");
    if (!a.sensitivity.empty() && a.sensitivity != "public" && a.sensitivity != "internal" &&
        a.sensitivity != "personal" && a.sensitivity != "sensitive")
        r.error_at("sensitivity", "'" + a.sensitivity + "' is not known",
                   "public, internal, personal or sensitive");
    if (a.kind == attribute_kind::decimal)
        a.decimals = static_cast<int>(r.integer("decimals", true, 1, 6).value_or(0));
    else if (r.has("decimals"))
        r.error_at("decimals", "only a decimal has decimals");
    if (a.kind == attribute_kind::integer || a.kind == attribute_kind::decimal) {
        a.low = read_bound(r, "min", a.decimals, -largest_coded);
        a.high = read_bound(r, "max", a.decimals, largest_coded);
        if (a.low > a.high) r.error_at("min", "is above max");
    } else {
        for (const auto* bound : {"min", "max"})
            if (r.has(bound)) r.error_at(bound, "only an integer or a decimal has bounds");
    }
    read_terms(r, a);
    return a;
}

} // namespace

void catalogue::load_attributes(const std::string& path, std::vector<failure>& errors) {
    const auto document = read_json(path, errors);
    if (!document) return;
    json_reader r(*document, path + "#", errors);
    if (!r.is_object()) return;
    r.only({"schema", "attributes"});
    if (const auto schema = r.text("schema", true); schema && *schema != "zhida.catalogue/1")
        r.error_at("schema", "'" + *schema + "' is not read here", "zhida.catalogue/1");
    if (!r.array("attributes", true, 2 * max_attributes)) return;
    auto list = r["attributes"];
    for (std::size_t i = 0; i < list.value().size(); ++i) {
        const auto a = read_attribute(list[i]);
        attributes_.push_back(a);
        if (!list[i].value().is_object()) continue;
        auto& slot = by_number_[static_cast<std::size_t>(a.subject) - 1][static_cast<std::size_t>(a.number)];
        if (slot != 0)
            list[i].error_at("n", "is taken by " + attributes_[slot - 1U].name,
                             "numbers are unique within a subject type");
        slot = static_cast<std::uint8_t>(i + 1);
        if (!by_name_.emplace(a.name, i).second)
            list[i].error_at("name", "'" + a.name + "' is taken by another attribute", "names are unique");
    }
}

void catalogue::load_sizes(const std::string& path, std::vector<failure>& errors) {
    const auto document = read_json(path, errors);
    if (!document) return;
    json_reader r(*document, path + "#", errors);
    if (!r.is_object()) return;
    r.only({"schema", "standard", "note", "industry", "indicators", "rows"});
    if (const auto schema = r.text("schema", true); schema && *schema != "zhida.size-classes/1")
        r.error_at("schema", "'" + *schema + "' is not read here", "zhida.size-classes/1");

    // Renaming an attribute must not silently stop the computation, so each must be there. Where a whole file
    // could not be read, what refers to it is not reported again.
    const auto number_of = [&](json_reader& at, std::string_view member, bool code) {
        const auto name = at.text(member, true).value_or("");
        const auto* a = find(name);
        const bool good = a && a->subject == subject_type::enterprise &&
                          (code ? a->kind == attribute_kind::industry
                                : a->kind == attribute_kind::integer || a->kind == attribute_kind::decimal);
        if (!name.empty() && !good && !attributes_.empty())
            at.error_at(member,
                        "'" + name + "' is not " + (code ? "an industry" : "a number") +
                            " attribute of enterprises",
                        "see attributes.json");
        return good ? a : nullptr;
    };
    if (const auto* a = number_of(r, "industry", true)) industry_attribute_ = a->number;
    std::map<char, int> decimals;
    if (r.object("indicators", true)) {
        auto indicators = r["indicators"];
        indicators.only({"X", "Y", "Z"});
        for (const auto* letter : {"X", "Y", "Z"})
            if (const auto* a = number_of(indicators, letter, false)) {
                indicators_[*letter] = a->number;
                decimals[*letter] = a->decimals;
            }
    }
    if (!r.array("rows", true, 31)) return;
    auto rows = r["rows"];
    const auto prefixes_of = [&](json_reader& at, std::string_view member, bool required) {
        std::vector<std::string> out;
        if (!at.array(member, required)) return out;
        auto list = at[member];
        for (std::size_t i = 0; i < list.value().size(); ++i) {
            const auto& v = list.value()[i];
            const auto code = v.is_string() ? v.get<std::string>() : to_text(v);
            if (!industries_.entries().empty() && !industries_.find(code))
                list[i].error("'" + code + "' is not a code of industries.csv");
            out.push_back(code);
        }
        return out;
    };
    for (std::size_t i = 0; i < rows.value().size(); ++i) {
        auto item = rows[i];
        if (!item.is_object()) continue;
        item.only({"name", "prefixes", "except", "bounds"});
        size_row row;
        row.name = item.text("name", true, 200).value_or("");
        row.prefixes = prefixes_of(item, "prefixes", true);
        row.except = prefixes_of(item, "except", false);
        if (const auto* bounds = item.object("bounds", true)) {
            auto inner = item["bounds"];
            inner.only({"X", "Y", "Z"});
            if (bounds->empty()) inner.error("must name at least one indicator");
            for (const auto& [letter, unused] : decimals) {
                const std::string member(1, letter);
                const json* three = inner.array(member, false);
                if (!three) continue;
                bool good = three->size() == 3;
                std::array<std::int64_t, 3> coded{};
                for (std::size_t k = 0; good && k < 3; ++k)
                    good = (*three)[k].is_number() &&
                           parse_decimal((*three)[k].get<double>(), decimals.at(letter), coded[k]) ==
                               decimal_error::none;
                if (!good || coded[0] <= coded[1] || coded[1] <= coded[2])
                    inner.error_at(member, "must be three falling numbers",
                                   "lower bounds of 大型, 中型, 小型");
                row.bounds[letter] = coded;
            }
        }
        sizes_.push_back(std::move(row));
    }

    // A code may stand for everything below it ("F": wholesale or retail), so rows are gathered upwards.
    const auto& entries = industries_.entries();
    sizes_of_.assign(entries.size(), 0);
    for (std::size_t i = entries.size(); i-- > 0;) {
        const bool leaf = industries_.end_of(i) == i + 1;
        std::string covered;
        for (std::size_t k = 0; leaf && k < sizes_.size(); ++k) {
            if (!sizes_[k].covers(entries[i].code)) continue;
            if (!covered.empty())
                rows.error(entries[i].code + " is in two rows: " + covered + " and " + sizes_[k].name,
                           "one row a code");
            covered = sizes_[k].name;
            sizes_of_[i] |= 1U << k;
        }
        if (leaf && covered.empty()) sizes_of_[i] = uncovered;
        if (!entries[i].parent.empty()) sizes_of_[industries_.index_of(entries[i].parent)] |= sizes_of_[i];
    }
}

result<catalogue> catalogue::load(const std::string& folder) {
    std::vector<failure> errors;
    catalogue c;
    c.industries_ =
        load_codes(folder + "/industries.csv", "full_code,name,level,parent", good_industry, errors);
    c.divisions_ = load_codes(folder + "/divisions.csv", "code,name,level,parent", good_division, errors);
    c.load_attributes(folder + "/attributes.json", errors);
    c.load_sizes(folder + "/size_classes.json", errors);
    if (errors.empty()) return c;
    failure all{errors.front().code, "", folder, ""};
    for (const auto& e : errors) all.what += (all.what.empty() ? "" : "\n") + e.text();
    return all;
}

} // namespace zhida::matching
