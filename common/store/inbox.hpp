// A subject's inbox is not stored: it is the web ledger read by subject. A package is in it once the web
// delivery's state is delivered.
#pragma once

#include "common/io/redis.hpp"
#include "common/model/ledger.hpp"

namespace zhida::store {

namespace asio = boost::asio;

struct inbox_entry {
    std::string campaign;
    ledger::record web; // web.items: bit i is item i of the policy
};

struct engaged {
    bool changed = false;
    std::string changes; // as of encode_changes; empty where nothing changed
};

class inbox {
  public:
    explicit inbox(io::redis& r) : redis_(r) {}
    // Newest delivery first.
    asio::awaitable<result<std::vector<inbox_entry>>> of(int shard, std::uint32_t ordinal);
    // Only this campaign: what a live stream asks when a delivery event names it. not_found where it is not
    // in it.
    asio::awaitable<result<inbox_entry>> one(int shard, std::uint32_t ordinal, std::string campaign);
    // Sets engagement flags of the web delivery. `changes` is what the audit event of it carries.
    asio::awaitable<result<engaged>> engage(int shard, std::uint32_t ordinal, std::string campaign,
                                            std::uint8_t flags);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
