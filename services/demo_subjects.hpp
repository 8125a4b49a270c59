// The synthetic population (合成数据) of the demonstration and of the benchmarks that run the whole service.
#pragma once

#include "common/io/event_log.hpp"
#include "common/store/profiles.hpp"
#include "services/app.hpp"

namespace zhida {

// A quarter of the subjects, at least one.
std::int64_t enterprises_of(std::int64_t subjects) noexcept;

// Appends the subjects to zhida.profile and waits until the shards' owners have written them all. The same
// subjects every time. Returns how long it took; throws failure_error.
boost::asio::awaitable<milliseconds> bring_subjects(app& a, io::event_log& log, store::profiles& profiles,
                                                    std::int64_t subjects);

} // namespace zhida
