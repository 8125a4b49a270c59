// Retention on Redis Streams. An id of ours says an offset, not a time, so the place of the cut is looked up
// by the times in the records, which rise with the offsets as far as the clocks of the appending processes
// agree.
#include "common/base/log.hpp"
#include "common/io/redis_log.hpp"
#include "common/io/redis_log_schema.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace zhida::io {

namespace schema = redis_log_schema;

namespace {

constexpr auto trim_interval = std::chrono::seconds(60);

// KEYS: stream. ARGV: time of the oldest record to keep (ms), offset from which everything is kept (-1:
// none). A binary search, then XTRIM, which takes away 10,000 records at most; gives how many went.
const lua_script& trim_script() {
    static const lua_script script(R"(
local function offset(entry) return tonumber(string.match(entry[1], '%-(%d+)$')) - 1 end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if #first == 0 then return 0 end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local low, high = offset(first[1]), offset(last[1]) + 1
local floor = tonumber(ARGV[2])
if floor >= 0 and floor < high then high = floor end
while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', KEYS[1], string.format('0-%.0f', middle + 1), '+', 'COUNT', 1)[1]
    if entry and offset(entry) < high and tonumber(entry[2][2]) < tonumber(ARGV[1]) then
        low = offset(entry) + 1
    else
        high = middle
    end
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('0-%.0f', low + 1))
)");
    return script;
}

// For each partition the offset up to which all groups of the topic have stored; -1 where it has no group.
asio::awaitable<result<std::vector<std::int64_t>>> stored_by_all(std::shared_ptr<redis_log_core> core,
                                                                 std::vector<topic_partition> partitions) {
    std::vector<std::int64_t> lowest(partitions.size(), -1);
    const auto groups =
        co_await core->connection->command({"SMEMBERS", schema::groups_key(partitions.front().topic)});
    if (!groups) co_return groups.error();
    for (const auto& group : groups->items) {
        const auto stored = co_await core->stored_by(group.text, partitions);
        if (!stored) co_return stored.error();
        for (std::size_t i = 0; i < lowest.size(); ++i)
            lowest[i] = lowest[i] < 0 ? (*stored)[i] : std::min(lowest[i], (*stored)[i]);
    }
    co_return lowest;
}

} // namespace

asio::awaitable<result<std::int64_t>> trim_redis_log(std::shared_ptr<redis_log_core> core, wall_time now) {
    std::int64_t removed = 0;
    const auto topics = core->retention; // ensure() may add to it meanwhile
    for (const auto& [topic, retention] : topics) {
        const auto count = co_await core->partitions_of(topic);
        if (!count) co_return count.error();
        std::vector<topic_partition> partitions;
        for (std::int32_t p = 0; p < *count; ++p) partitions.push_back({topic, p});
        const auto floors = co_await stored_by_all(core, partitions);
        if (!floors) co_return floors.error();
        const auto oldest = std::to_string(now.time_since_epoch().count() - retention);
        for (std::size_t i = 0; i < partitions.size();) {
            const auto gone = co_await core->connection->eval(
                trim_script(), {schema::stream_key(partitions[i])}, {oldest, std::to_string((*floors)[i])});
            if (!gone) co_return gone.error();
            removed += gone->integer;
            if (gone->integer == 0) ++i;
        }
    }
    co_return removed;
}

asio::awaitable<void> trim_redis_log_for_ever(std::shared_ptr<redis_log_core> core) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    core->stop_trimming = [&timer] { timer.cancel(); };
    while (!core->closed) {
        timer.expires_after(trim_interval);
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        if (core->closed) break;
        const auto removed = co_await trim_redis_log(core, system_clock().now());
        if (!removed && removed.error().code != errc::cancelled)
            log::warn("event_log.not_trimmed", {{"reason", removed.error().text()}});
        else if (removed && *removed > 0)
            log::info("event_log.trimmed", {{"records", *removed}});
    }
    core->stop_trimming = nullptr;
}

} // namespace zhida::io
