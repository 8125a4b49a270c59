// Inside of condition::compile.
#pragma once

#include "matching/condition.hpp"

#include <optional>

namespace zhida::matching {

class condition_compiler {
  public:
    condition_compiler(subject_type subject, const catalogue& c, std::vector<failure>& errors,
                       const std::string& prefix, const condition_limits& limits)
        : subject_(subject), catalogue_(c), errors_(errors), prefix_(prefix), limits_(limits) {}

    // Boolean expressions; false where anything was wrong, which is then in the errors.
    bool expression(const json& j, const std::string& pointer, std::size_t depth, node& out);
    bool has_manual() const noexcept { return has_manual_; }

  private:
    static constexpr std::size_t most_errors = 100; // of one condition; a hostile one could have a million

    struct literal {
        std::int64_t value = 0;
        bool months = false; // of monthsAgo
    };
    bool group(const json& args, std::size_t depth, node& out);
    bool predicate(const json& args, node& out);
    bool comparison(const json& args, node& out);
    bool between(const json& args, node& out);
    bool in_list(const json& args, node& out);
    bool like(const json& args, node& out);
    bool set_operator(const json& args, node& out);
    bool is_null(const json& args, node& out);
    bool manual(const json& args, node& out);

    // Near codes cost a walk over their list, so a hostile document is not read to its end.
    bool full() const noexcept { return reported_ >= most_errors; }
    bool list_is_short(const json& list, const std::string& pointer, const char* fix);
    bool count_is(const json& args, std::size_t wanted, const node& n, const char* form);
    bool has_property(const json& j) const { return j.is_object() && j.contains("property"); }
    const attribute* property(const json& j, const std::string& pointer);
    bool kind_fits(const node& n);
    std::optional<literal> read_literal(const attribute& a, const json& j, const std::string& pointer);
    std::optional<literal> read_months_ago(const json& j, const std::string& pointer);
    bool known_members(const json& j, std::initializer_list<std::string_view> known,
                       const std::string& pointer);
    void add(node& n, literal v) {
        n.values.push_back(v.value);
        n.value_is_months.push_back(v.months);
    }
    bool error(const std::string& pointer, std::string what, std::string fix, errc code = errc::invalid);

    subject_type subject_;
    const catalogue& catalogue_;
    std::vector<failure>& errors_;
    const std::string& prefix_;
    const condition_limits& limits_;
    std::size_t nodes_ = 0, listed_ = 0, reported_ = 0;
    bool has_manual_ = false, too_many_nodes_ = false;
};

} // namespace zhida::matching
