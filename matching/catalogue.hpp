// The attribute catalogue (config/catalogue): what may be known of a subject, with type, unit, label, source
// and sensitivity, and the code lists behind it. Immutable after loading; shared by all threads.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/profile.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zhida::matching {

enum class attribute_kind { boolean, integer, decimal, date, term, set, industry, division };
const char* to_string(attribute_kind) noexcept; // as in attributes.json: boolean integer decimal date enum
                                                // set industry division

struct term {
    int number = 0;    // stable; never reused
    std::string code;  // what documents say, e.g. "高新技术企业"
    std::string label; // Chinese, for pages
    std::string label_en;
};

struct attribute {
    int number = 0;   // stable, 0..63 within its subject type
    std::string name; // "ent.headcount", "person.birth_date"
    subject_type subject = subject_type::enterprise;
    attribute_kind kind = attribute_kind::boolean;
    std::string label; // 从业人员
    std::string label_en;
    std::string unit;               // 人, 万元, % ...; empty where none
    int decimals = 0;               // of a decimal
    std::string source;             // register the value comes from
    std::string sensitivity;        // public | internal | personal | sensitive
    std::int64_t low = 0, high = 0; // of integer and decimal, coded
    std::vector<term> terms;        // of enum and set

    const term* find_term(std::string_view code) const noexcept;
    const term* find_term(int n) const noexcept;
};

struct code_entry {
    std::string code; // industry: "C", "C39", "C391", "C3911"; division: "310000", "310113", "310113003",
                      // "310113003001"
    std::string name;
    std::string parent; // empty at the top
    int level = 0;      // industry 1..4; division 1 province, 2 city, 3 district, 4 street, 5 village
};

// A code list in preorder: the descendants of entry i are the entries i+1 .. end(i)-1.
class code_list {
  public:
    // Errors: a code given twice, a parent that is not listed or not above. `source` is named in them, with
    // the line where entries[0] stands in line 2.
    static code_list make(std::vector<code_entry> entries, const std::string& source,
                          std::vector<failure>& errors);
    const code_entry* find(std::string_view code) const noexcept;
    const std::vector<code_entry>& entries() const noexcept { return entries_; }
    std::size_t index_of(std::string_view code) const noexcept; // npos where unknown
    std::size_t end_of(std::size_t index) const noexcept { return ends_[index]; }
    std::string path_name(std::string_view code) const;          // 上海市 / 宝山区 / 友谊路街道
    std::vector<std::string> names(std::string_view code) const; // from the top; empty where unknown
    // Whether any code begins with the text, and if it is just one, which.
    bool any_below(std::string_view prefix, const code_entry** only = nullptr) const noexcept;
    // The nearest codes by spelling or by name, for error messages.
    std::vector<std::string> near(std::string_view code, std::size_t count = 3) const;

    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  private:
    std::vector<code_entry> entries_;
    std::vector<std::size_t> ends_;
    std::unordered_map<std::string, std::size_t> index_;
};

enum class size_class {
    large = 1,
    medium = 2,
    small = 3,
    micro = 4
}; // 大型 中型 小型 微型, also the terms' numbers of ent.size

class catalogue {
  public:
    // Reads every file of the folder; all errors of all files are in the failure's text.
    static result<catalogue> load(const std::string& folder);

    const std::vector<attribute>& attributes() const noexcept { return attributes_; }
    const attribute* find(std::string_view name) const noexcept;
    const attribute* find(subject_type subject, int number) const noexcept;
    std::vector<std::string> near(std::string_view name, std::size_t count = 3) const;
    const code_list& industries() const noexcept { return industries_; }
    const code_list& divisions() const noexcept { return divisions_; }

    // A document's JSON value as the coded number. Codes must be in their list; "3911" is accepted for
    // "C3911". invalid: says the value, what is expected and what is near it.
    result<std::int64_t> encode(const attribute& a, const json& value) const;
    // The same from a CSV cell: numbers, true/false/是/否, dates, terms and codes; sets separated by ; or ；
    result<std::int64_t> encode_cell(const attribute& a, std::string_view cell) const;
    json decode(const attribute& a, std::int64_t value) const;
    // For people: "制造业 / 计算机、通信和其他电子设备制造业", "35 人", "上海市宝山区友谊路街道",
    // "2024-05-01".
    std::string display(const attribute& a, std::int64_t value) const;

    // 统计上大中小微型企业划分办法（2017）. Nothing where the industry is not covered or an indicator that
    // could change the answer is missing. headcount: persons; revenue, assets: 万元 times 10^decimals of
    // their attributes.
    std::optional<size_class> classify(const attribute_row& enterprise) const;

  private:
    struct size_row {
        std::string name;
        std::vector<std::string> prefixes, except;
        // 'X','Y','Z' -> lower bounds of large, medium, small, coded as their attributes are
        std::map<char, std::array<std::int64_t, 3>> bounds;

        bool covers(std::string_view industry) const noexcept;
    };
    void load_attributes(const std::string& path, std::vector<failure>& errors);
    void load_sizes(const std::string& path, std::vector<failure>& errors);
    result<std::int64_t> encode_code(const attribute& a, std::string_view text) const;

    std::vector<attribute> attributes_;
    std::unordered_map<std::string, std::size_t> by_name_;
    // [subject type - 1][number] -> position in attributes_ + 1; 0: none
    std::array<std::array<std::uint8_t, max_attributes>, 2> by_number_{};
    code_list industries_, divisions_;
    std::vector<size_row> sizes_;
    int industry_attribute_ = -1;    // number of ent.industry
    std::map<char, int> indicators_; // 'X','Y','Z' -> number of the attribute
    // For each entry of industries_: bit i where an enterprise of that code may fall under sizes_[i];
    // uncovered where it may fall under none.
    std::vector<std::uint32_t> sizes_of_;
    static constexpr std::uint32_t uncovered = 1U << 31;
};

} // namespace zhida::matching
