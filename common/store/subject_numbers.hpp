// The ordinals of a shard's subjects, as far as zhida.delivery has to know them: audiences and ledgers speak
// of nothing else, so that whoever makes them again from the log must give every subject its old one.
#pragma once

#include "common/io/redis.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

struct numbered_subjects {
    int shard = 0;
    std::uint32_t first = 0;      // ordinal of the first; the others follow
    std::vector<std::string> ids; // of the subjects
};

class subject_numbers {
  public:
    explicit subject_numbers(io::redis& r) : redis_(r) {}
    // The next of those that the log does not know, by rising ordinal, some thousands at most; none where it
    // knows all below `first`.
    asio::awaitable<result<numbered_subjects>> untold(int shard);
    asio::awaitable<result<void>> told(int shard, std::uint32_t until); // all below it are in the log
    // From the log. Subjects whose profile is not here are reserved until it comes. conflict: an ordinal is
    // another subject's here; nothing is changed then.
    asio::awaitable<result<void>> keep(numbered_subjects subjects);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
