#include "common/store/member_rates.hpp"

#include "common/base/crypto.hpp"
#include "common/base/murmur2.hpp"
#include "common/store/keys.hpp"

#include <algorithm>
#include <map>

namespace zhida::store {

namespace {

constexpr milliseconds minute{60'000}, hour{3'600'000};

// KEYS: sorted set of each member: its messages by milliseconds since 1970.
// ARGV: now, id of the message, windows and limits: minute's, hour's. Returns how long each must wait.
// A clock that lags behind what is known already must not make a window look emptier than it is.
const io::lua_script& take_script() {
    static const io::lua_script s(R"lua(
local now, id = tonumber(ARGV[1]), ARGV[2]
local windows = {{tonumber(ARGV[3]), tonumber(ARGV[4])}, {tonumber(ARGV[5]), tonumber(ARGV[6])}}
local longest = windows[2][1]
local waits = {}
for i, key in ipairs(KEYS) do
  local newest = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  local t = now
  if newest[2] and tonumber(newest[2]) > t then t = tonumber(newest[2]) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', t - longest))
  local wait = 0
  for _, w in ipairs(windows) do
    if redis.call('ZCOUNT', key, string.format('%.0f', t - w[1]), '+inf') >= w[2] then
      local first = redis.call('ZRANGE', key, -w[2], -w[2], 'WITHSCORES')
      wait = math.max(wait, tonumber(first[2]) + w[1] + 1 - t)
    end
  end
  if wait == 0 then
    redis.call('ZADD', key, string.format('%.0f', t), id)
    redis.call('PEXPIRE', key, longest + 1000)
  end
  waits[i] = wait
end
return waits)lua");
    return s;
}

std::map<int, std::vector<std::size_t>> by_shard(const std::vector<std::string>& members, int shards) {
    std::map<int, std::vector<std::size_t>> out;
    for (std::size_t i = 0; i < members.size(); ++i) out[shard_of(members[i], shards)].push_back(i);
    return out;
}

} // namespace

asio::awaitable<result<member_rates::taken>> member_rates::take(std::vector<std::string> members,
                                                                member_limits limits, wall_time now) {
    taken out;
    out.by = crypto::hex(crypto::random_bytes(8));
    out.wait.resize(members.size());
    if (members.empty()) co_return out;
    const io::redis_args args{
        std::to_string(now.time_since_epoch().count()),  out.by,
        std::to_string((minute + limits.slack).count()), std::to_string(limits.per_minute),
        std::to_string((hour + limits.slack).count()),   std::to_string(limits.per_hour)};
    std::vector<io::redis_args> commands;
    std::vector<std::vector<std::string>> keys_of;
    const auto groups = by_shard(members, shards_);
    for (const auto& [shard, of] : groups) {
        auto& keys = keys_of.emplace_back();
        for (const auto i : of) keys.push_back(keys::member_rate(shard, members[i]));
        io::redis_args command{"EVALSHA", take_script().sha1(), std::to_string(keys.size())};
        command.insert(command.end(), keys.begin(), keys.end());
        command.insert(command.end(), args.begin(), args.end());
        commands.push_back(std::move(command));
    }
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::size_t g = 0;
    for (const auto& [shard, of] : groups) {
        auto& reply = (*replies)[g];
        if (reply.type == io::redis_reply::kind::error) { // the first time here: the script is not known
            if (!reply.text.starts_with("NOSCRIPT")) co_return failure{errc::refused, reply.text, "EVAL", ""};
            auto again = co_await redis_.eval(take_script(), std::move(keys_of[g]), args);
            if (!again) co_return again.error();
            reply = std::move(*again);
        }
        if (reply.items.size() != of.size())
            co_return failure{errc::invalid, "Redis answered for other members", "member_rates", ""};
        for (std::size_t k = 0; k < of.size(); ++k)
            out.wait[of[k]] = milliseconds(std::max<std::int64_t>(0, reply.items[k].number()));
        ++g;
    }
    co_return out;
}

asio::awaitable<result<void>> member_rates::give_back(std::string by, std::vector<std::string> members) {
    if (members.empty()) co_return result<void>{};
    std::vector<io::redis_args> commands;
    for (const auto& m : members)
        commands.push_back({"ZREM", keys::member_rate(shard_of(m, shards_), m), by});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    co_return result<void>{};
}

} // namespace zhida::store
