// To whom of a shard nothing may be sent at the moment, as bits by row, so that a preview takes them from an
// audience a block at a time. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "services/matcher/shard_rows.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::matcher {

// Bits by ordinal, as of store::subject_bits.
struct excluded_bits {
    std::string opted_out; // of SMS and WeChat
    std::string no_grant;  // of WeChat
    std::string capped_sms, capped_wechat;
    std::string untargeted{}; // of everything: in no audience
};

class shard_exclusions {
  public:
    struct by_row {
        std::vector<std::uint64_t> opted_out, no_grant, capped_sms, capped_wechat, untargeted;
    };
    // read_at: when reading them began.
    void put(excluded_bits bits, const shard_rows& rows, steady_time read_at);
    // Another order of the same rows.
    void lay_out(const shard_rows& rows);
    // Rows beyond the end are of subjects that came since: nobody excluded.
    const by_row& of(subject_type t) const noexcept { return rows_[t == subject_type::enterprise ? 0 : 1]; }
    // Nothing: never read.
    std::optional<steady_time> read_at() const noexcept { return read_at_; }

  private:
    excluded_bits bits_;
    std::array<by_row, 2> rows_;
    std::optional<steady_time> read_at_;
};

inline std::uint64_t word_at(const std::vector<std::uint64_t>& bits, std::size_t word) noexcept {
    return word < bits.size() ? bits[word] : 0;
}

} // namespace zhida::matcher
