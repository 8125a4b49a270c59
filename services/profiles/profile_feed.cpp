#include "services/profiles/profile_feed.hpp"

#include "common/io/timer.hpp"
#include "services/persist.hpp"
#include "services/publishing.hpp"

#include <algorithm>

namespace zhida::profiles {

namespace {

constexpr milliseconds notice_interval{5000}, hint_after{10'000};

} // namespace

std::string still_waiting(const std::vector<std::int64_t>& ends, const std::vector<std::int64_t>& applied) {
    std::int64_t events = 0;
    std::size_t shards = 0;
    std::string names;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const auto done = i < applied.size() ? applied[i] : 0;
        if (done >= ends[i]) continue;
        events += ends[i] - done;
        if (++shards > 5) continue;
        names += (shards == 1 ? "s" : ", s") + std::string(i < 10 ? "0" : "") + std::to_string(i);
    }
    if (events == 0) return "";
    if (shards > 5) names += " ...";
    return std::to_string(events) + (events == 1 ? " event of " : " events of ") + std::to_string(shards) +
           (shards == 1 ? " shard (" : " shards (") + names + ")";
}

asio::awaitable<result<void>> profile_feed::append(std::vector<profile> rows) {
    std::vector<io::log_message> messages;
    messages.reserve(rows.size());
    const auto now = time_.now();
    for (const auto& p : rows) messages.push_back(profile_message(p, catalogue_, sealer_, shards(), now));
    const auto began = time_.steady_now();
    auto noticed = began;
    auto wait = milliseconds(100);
    while (true) {
        auto offsets = co_await log_.append_all(messages);
        if (offsets) {
            for (std::size_t i = 0; i < offsets->size(); ++i) {
                auto& end = ends_[static_cast<std::size_t>(messages[i].partition)];
                end = std::max(end, (*offsets)[i] + 1);
            }
            co_return result<void>();
        }
        const auto at = time_.steady_now();
        if (!passing(offsets.error()) || at - began >= patience) co_return offsets.error();
        if (at - noticed >= notice_interval) {
            say_("waiting for the event log: " + offsets.error().text());
            noticed = at;
        }
        co_await io::sleep_for(time_, wait);
        wait = std::min(wait * 2, milliseconds(2000));
    }
}

asio::awaitable<result<void>> profile_feed::wait_applied(store::profiles& stored) {
    std::string left = still_waiting(ends_, {});
    auto moved = time_.steady_now(), noticed = moved;
    while (!left.empty()) {
        const auto applied = co_await stored.applied_offsets();
        const auto now = time_.steady_now();
        if (applied) {
            auto next = still_waiting(ends_, *applied);
            if (next != left) moved = now;
            left = std::move(next);
            if (left.empty()) break;
        } else if (!passing(applied.error())) {
            co_return applied.error();
        }
        const auto what = applied ? left + " are not applied yet" : "Redis: " + applied.error().text();
        if (now - moved >= patience)
            co_return failure{
                errc::unavailable, "nothing moved for a minute: " + what, "zhida.profile",
                "run zhida with the matcher role; the events are kept and will be applied then"};
        if (now - moved >= notice_interval && now - noticed >= notice_interval) {
            say_("waiting for the matcher: " + what +
                 (now - moved >= hint_after ? "; does zhida run with the matcher role?" : ""));
            noticed = now;
        }
        co_await io::sleep_for(time_, milliseconds(100));
    }
    co_return result<void>();
}

} // namespace zhida::profiles
