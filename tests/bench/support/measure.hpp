// What benchmarks of the whole service read and print.
#pragma once

#include "common/base/config.hpp"
#include "common/io/redis.hpp"

#include <string>

namespace zhida::bench {

// {"name": ..., "value": ..., "unit": ...} on a line of its own
void print(const std::string& name, double value, const char* unit);
// Processor time of this thread; of the thread of this process with that name, in steps of 10 ms; and of a
// Redis server.
double own_cpu_s();
double thread_cpu_s(const std::string& name);
boost::asio::awaitable<double> redis_cpu_s(io::redis& redis);
// MEMORY USAGE of every key of the pattern: the log's streams would hide the others in used_memory.
boost::asio::awaitable<double> memory_of(io::redis& redis, std::string pattern);
// Of a service with everything in that folder, its log in that Redis, no night, nobody who has to approve,
// and no cap.
config settings_in(const std::string& folder, const std::string& redis_url);

} // namespace zhida::bench
