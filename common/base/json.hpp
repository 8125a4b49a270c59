// Reading foreign JSON: bounded, strict, every error with its JSON Pointer.
#pragma once

#include "common/base/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida {

using json = nlohmann::json;

struct json_limits {
    std::size_t bytes = 1 << 20;
    std::size_t depth = 64;
};

// Refuses: more than the limits, bytes that are not UTF-8, a key given twice in an object, numbers that do
// not fit.
result<json> parse_json(std::string_view text, const json_limits& = {});

// One line, UTF-8 kept as it is; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const json& value);

// Collects every error of a document instead of stopping at the first.
// fetch functions return nothing where the member is absent; where it has the wrong type they report it as
// well.
class json_reader {
  public:
    json_reader(const json& value, std::string pointer, std::vector<failure>& errors)
        : value_(&value), pointer_(std::move(pointer)), errors_(&errors) {}

    const json& value() const noexcept { return *value_; }
    const std::string& pointer() const noexcept { return pointer_; }
    // Pointer of a member, its name escaped (RFC 6901).
    std::string at(std::string_view member) const;
    std::string at(std::size_t index) const;

    bool is_object(); // reports when it is not
    bool has(std::string_view member) const;
    json_reader operator[](std::string_view member) const; // must exist
    json_reader operator[](std::size_t index) const;

    std::optional<std::string> text(std::string_view member, bool required, std::size_t max_bytes = 4096);
    std::optional<std::int64_t> integer(std::string_view member, bool required, std::int64_t low,
                                        std::int64_t high);
    std::optional<double> number(std::string_view member, bool required);
    std::optional<bool> boolean(std::string_view member, bool required);
    std::optional<std::int32_t> date(std::string_view member,
                                     bool required); // "2026-11-23", days since 1970-01-01
    const json* array(std::string_view member, bool required, std::size_t max_items = 10000);
    const json* object(std::string_view member, bool required);
    // Reports every member that is not listed.
    void only(std::initializer_list<std::string_view> known);

    void error(std::string what, std::string fix = "") {
        errors_->push_back({errc::invalid, std::move(what), where(pointer_), std::move(fix)});
    }
    void error_at(std::string_view member, std::string what, std::string fix = "") {
        errors_->push_back({errc::invalid, std::move(what), where(at(member)), std::move(fix)});
    }
    std::vector<failure>& errors() noexcept { return *errors_; }

  private:
    static std::string where(const std::string& pointer) { return pointer.empty() ? "/" : pointer; }
    const json* member(std::string_view name, bool required);

    const json* value_;
    std::string pointer_;
    std::vector<failure>* errors_;
};

} // namespace zhida
