#include "services/demo_subjects.hpp"

#include "common/io/timer.hpp"
#include "services/profiles/synthesis.hpp"
#include "services/publishing.hpp"

#include <algorithm>

namespace zhida {

namespace asio = boost::asio;

std::int64_t enterprises_of(std::int64_t subjects) noexcept {
    return std::max<std::int64_t>(subjects / 4, 1);
}

asio::awaitable<milliseconds> bring_subjects(app& a, io::event_log& log, store::profiles& profiles,
                                             std::int64_t subjects) {
    const auto shards = static_cast<int>(a.settings().node.shards);
    const auto enterprises = enterprises_of(subjects);
    std::int32_t day = 0;
    parse_date("2026-11-01", day); // fixed, so that a seed gives the same subjects
    auto population =
        profiles::synthesis::make(
            a.catalogue(),
            {.enterprises = enterprises, .residents = subjects - enterprises, .seed = 1, .day = day})
            .value();
    const auto started = a.clock().steady_now();
    std::vector<io::log_message> batch;
    std::vector<std::int64_t> last(static_cast<std::size_t>(shards), 0);
    bool more = true;
    while (more && !a.stopping()) {
        profile p;
        more = population.next(p);
        if (more) batch.push_back(profile_message(p, a.catalogue(), a.sealer(), shards, a.clock().now()));
        if (batch.size() < 2000 && more) continue;
        std::vector<std::int32_t> partitions;
        for (const auto& m : batch) partitions.push_back(m.partition);
        const auto offsets = (co_await log.append_all(std::move(batch))).value();
        for (std::size_t i = 0; i < offsets.size(); ++i) {
            auto& end = last[static_cast<std::size_t>(partitions[i])];
            end = std::max(end, offsets[i] + 1);
        }
        batch.clear();
    }
    while (!a.stopping()) {
        const auto applied = (co_await profiles.applied_offsets()).value();
        bool all = true;
        for (std::size_t i = 0; i < last.size(); ++i) all = all && applied[i] >= last[i];
        if (all) break;
        co_await io::sleep_for(a.clock(), milliseconds(20));
    }
    co_return a.clock().steady_now() - started;
}

} // namespace zhida
