// Every policy event of zhida.policy in order, read and checked once: what a shard judges as it moves along.
// Pure.
#pragma once

#include "common/io/event_log.hpp"
#include "matching/policy_check.hpp"

#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace zhida::matcher {

struct policy_event {
    io::log_record record;
    json document;
    std::string publisher;                           // empty: nobody said
    std::optional<matching::checked_policy> checked; // empty: see errors
    bool repeated = false;                           // the same version with the same content came before
    std::vector<failure> errors;
};

class policy_log {
  public:
    explicit policy_log(const matching::catalogue& c) : catalogue_(c) {}
    // Records by rising offset.
    void add(io::log_record record);
    const std::deque<policy_event>& events() const noexcept { return events_; }
    // Of each policy the event with its newest version among the events before this offset, by rising offset.
    // Stays valid as events are added.
    std::vector<const policy_event*> newest(std::int64_t until) const;
    // Index of the first event at or after this offset.
    std::size_t from(std::int64_t offset) const noexcept;
    std::int64_t end() const noexcept { return events_.empty() ? 0 : events_.back().record.offset + 1; }

  private:
    const matching::catalogue& catalogue_;
    struct version {
        int number = 0;
        std::string content; // canonical text
        std::size_t event = 0;
    };
    std::deque<policy_event> events_;
    std::map<std::string, version> newest_; // by policy id
};

} // namespace zhida::matcher
