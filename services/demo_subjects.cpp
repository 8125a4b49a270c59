#include "services/demo_subjects.hpp"

#include "common/base/log.hpp"
#include "services/profiles/profile_feed.hpp"
#include "services/profiles/synthesis.hpp"

#include <algorithm>

namespace zhida {

namespace asio = boost::asio;

namespace {

constexpr std::size_t batch_size = 2000;

void say(const std::string& what) {
    log::warn("subjects", {{"waiting", what}});
}

} // namespace

std::int64_t enterprises_of(std::int64_t subjects) noexcept {
    return std::max<std::int64_t>(subjects / 4, 1);
}

asio::awaitable<milliseconds> bring_subjects(app& a, io::event_log& log, store::profiles& profiles,
                                             std::int64_t subjects) {
    const auto enterprises = enterprises_of(subjects);
    std::int32_t day = 0;
    parse_date("2026-11-01", day); // fixed, so that a seed gives the same subjects
    auto population =
        profiles::synthesis::make(
            a.catalogue(),
            {.enterprises = enterprises, .residents = subjects - enterprises, .seed = 1, .day = day})
            .value();
    const auto started = a.clock().steady_now();
    profiles::profile_feed feed(log, a.catalogue(), a.sealer(), static_cast<int>(a.settings().node.shards),
                                a.clock(), say);
    bool more = true;
    while (more && !a.stopping()) {
        std::vector<profile> batch;
        for (profile p; batch.size() < batch_size && (more = population.next(p));)
            batch.push_back(std::move(p));
        (co_await feed.append(std::move(batch))).value();
    }
    if (!a.stopping()) (co_await feed.wait_applied(profiles)).value();
    co_return a.clock().steady_now() - started;
}

} // namespace zhida
