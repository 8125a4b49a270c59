#include "common/base/json.hpp"

#include "common/base/clock.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace zhida {

namespace {

std::string escaped(std::string_view member) {
    std::string out;
    for (const char c : member) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

// Builds the value while it watches depth and repeated keys, which the library's own parser lets pass.
// What it says is logged and kept with dead letters, so it repeats nothing of the text, which may hold
// contacts.
class strict_sax : public nlohmann::json_sax<json> {
  public:
    strict_sax(json& root, std::size_t depth) : root_(root), dom_(root, false), limit_(depth) {}

    bool null() override { return dom_.null(); }
    bool boolean(bool v) override { return dom_.boolean(v); }
    bool number_integer(number_integer_t v) override { return dom_.number_integer(v); }
    bool number_unsigned(number_unsigned_t v) override { return dom_.number_unsigned(v); }
    bool number_float(number_float_t v, const string_t& s) override {
        if (!std::isfinite(v)) return fail("number out of range");
        return dom_.number_float(v, s);
    }
    bool string(string_t& v) override { return dom_.string(v); }
    bool binary(binary_t& v) override { return dom_.binary(v); }
    bool start_object(std::size_t n) override {
        open_.emplace_back();
        return deeper() && dom_.start_object(n);
    }
    bool key(string_t& v) override {
        if (!open_.back().keys.insert(v).second) return fail("key given twice in the object at " + pointer());
        open_.back().at = v;
        return dom_.key(v);
    }
    bool end_object() override {
        open_.pop_back();
        return dom_.end_object();
    }
    bool start_array(std::size_t n) override {
        open_.emplace_back();
        return deeper() && dom_.start_array(n);
    }
    bool end_array() override {
        open_.pop_back();
        return dom_.end_array();
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
        std::string what = e.what();
        // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." -> without its prefix
        if (const auto end = what.find("] "); end != std::string::npos) what = what.substr(end + 2);
        // "...; last read: '...'" and "number overflow parsing '...'"
        for (const char* quote : {"; last read", " parsing '"})
            if (const auto from = what.find(quote); from != std::string::npos) what.resize(from);
        return fail(what);
    }
    const std::string& why() const { return why_; }

  private:
    bool deeper() {
        if (open_.size() > limit_) return fail("nested deeper than " + std::to_string(limit_) + " levels");
        return true;
    }
    // Of the innermost object or list that is open: what is being read is the last of each list.
    std::string pointer() const {
        std::string path;
        const json* value = &root_;
        for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
            path += "/" + (value->is_array() ? std::to_string(value->size() - 1) : escaped(open_[i].at));
            value = value->is_array() ? &value->back() : &value->at(open_[i].at);
        }
        return path.empty() ? "/" : path;
    }
    bool fail(std::string why) {
        if (why_.empty()) why_ = std::move(why);
        return false;
    }

    struct open_value {
        std::set<std::string> keys; // of an object
        std::string at;             // the one whose value is read
    };

    const json& root_;
    nlohmann::detail::json_sax_dom_parser<json> dom_;
    std::size_t limit_;
    std::vector<open_value> open_;
    std::string why_;
};

} // namespace

result<json> parse_json(std::string_view text, const json_limits& limits) {
    if (text.size() > limits.bytes)
        return failure{errc::exhausted, "JSON of " + std::to_string(text.size()) + " bytes", "",
                       "at most " + std::to_string(limits.bytes) + " bytes"};
    json value;
    strict_sax sax(value, limits.depth);
    if (!json::sax_parse(text, &sax) || !sax.why().empty())
        return failure{errc::invalid, "not valid JSON: " + sax.why(), "", "check it with a JSON editor"};
    return ok(std::move(value));
}

std::string to_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string json_reader::at(std::string_view member) const {
    return pointer_ + "/" + escaped(member);
}
std::string json_reader::at(std::size_t index) const {
    return pointer_ + "/" + std::to_string(index);
}

bool json_reader::is_object() {
    if (value_->is_object()) return true;
    error("must be an object, not " + std::string(value_->type_name()));
    return false;
}

bool json_reader::has(std::string_view name) const {
    return value_->is_object() && value_->contains(name);
}

json_reader json_reader::operator[](std::string_view name) const {
    return {value_->at(std::string(name)), at(name), *errors_};
}
json_reader json_reader::operator[](std::size_t index) const {
    return {value_->at(index), at(index), *errors_};
}

const json* json_reader::member(std::string_view name, bool required) {
    if (value_->is_object())
        if (const auto found = value_->find(name); found != value_->end()) return &*found;
    if (required) error_at(name, "is missing");
    return nullptr;
}

std::optional<std::string> json_reader::text(std::string_view name, bool required, std::size_t max_bytes) {
    const json* v = member(name, required);
    if (!v) return std::nullopt;
    if (!v->is_string()) {
        error_at(name, "must be a text, not " + std::string(v->type_name()));
        return std::nullopt;
    }
    const auto& s = v->get_ref<const std::string&>();
    if (s.size() > max_bytes) {
        error_at(name, "is longer than " + std::to_string(max_bytes) + " bytes");
        return std::nullopt;
    }
    if (required && s.empty()) {
        error_at(name, "must not be empty");
        return std::nullopt;
    }
    return s;
}

std::optional<std::int64_t> json_reader::integer(std::string_view name, bool required, std::int64_t low,
                                                 std::int64_t high) {
    const json* v = member(name, required);
    if (!v) return std::nullopt;
    if (!v->is_number_integer()) {
        error_at(name, "must be a whole number, not " + std::string(v->type_name()));
        return std::nullopt;
    }
    const bool fits =
        !v->is_number_unsigned() || v->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
    const auto n = fits ? v->get<std::int64_t>() : INT64_MAX;
    if (!fits || n < low || n > high) {
        error_at(name, "must be from " + std::to_string(low) + " to " + std::to_string(high));
        return std::nullopt;
    }
    return n;
}

std::optional<double> json_reader::number(std::string_view name, bool required) {
    const json* v = member(name, required);
    if (!v) return std::nullopt;
    if (!v->is_number()) {
        error_at(name, "must be a number, not " + std::string(v->type_name()));
        return std::nullopt;
    }
    return v->get<double>();
}

std::optional<bool> json_reader::boolean(std::string_view name, bool required) {
    const json* v = member(name, required);
    if (!v) return std::nullopt;
    if (!v->is_boolean()) {
        error_at(name, "must be true or false, not " + std::string(v->type_name()));
        return std::nullopt;
    }
    return v->get<bool>();
}

std::optional<std::int32_t> json_reader::date(std::string_view name, bool required) {
    const auto s = text(name, required, 64);
    if (!s) return std::nullopt;
    std::int32_t day = 0;
    if (!parse_date(*s, day)) {
        error_at(name, "'" + *s + "' is not a date", "write it as 2026-11-23");
        return std::nullopt;
    }
    return day;
}

const json* json_reader::array(std::string_view name, bool required, std::size_t max_items) {
    const json* v = member(name, required);
    if (!v) return nullptr;
    if (!v->is_array()) {
        error_at(name, "must be a list, not " + std::string(v->type_name()));
        return nullptr;
    }
    if (v->size() > max_items) {
        error_at(name, "has more than " + std::to_string(max_items) + " entries");
        return nullptr;
    }
    return v;
}

const json* json_reader::object(std::string_view name, bool required) {
    const json* v = member(name, required);
    if (!v) return nullptr;
    if (!v->is_object()) {
        error_at(name, "must be an object, not " + std::string(v->type_name()));
        return nullptr;
    }
    return v;
}

void json_reader::only(std::initializer_list<std::string_view> known) {
    if (!value_->is_object()) return;
    for (const auto& [name, unused] : value_->items()) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        std::string all;
        for (const auto k : known) all += (all.empty() ? "" : ", ") + std::string(k);
        error_at(name, "is not a known member", "known here: " + all);
    }
}

} // namespace zhida
