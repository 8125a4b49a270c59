// Every policy event of zhida.policy in order, read and checked once: what a shard judges as it moves along.
// Pure.
#pragma once

#include "common/io/event_log.hpp"
#include "matching/policy_check.hpp"

#include <map>
#include <optional>
#include <vector>

namespace zhida::matcher {

struct policy_event {
    io::log_record record;
    json document;
    std::optional<matching::checked_policy> checked; // empty: see errors
    bool repeated = false;                           // the same version with the same content came before
    std::vector<failure> errors;
};

class policy_log {
  public:
    explicit policy_log(const matching::catalogue& c) : catalogue_(c) {}
    // Records by rising offset.
    void add(io::log_record record);
    const std::vector<policy_event>& events() const noexcept { return events_; }
    // Index of the first event at or after this offset.
    std::size_t from(std::int64_t offset) const noexcept;
    std::int64_t end() const noexcept { return events_.empty() ? 0 : events_.back().record.offset + 1; }

  private:
    const matching::catalogue& catalogue_;
    std::vector<policy_event> events_;
    std::map<std::string, std::pair<int, std::string>> newest_; // policy id -> version, canonical text
};

} // namespace zhida::matcher
