#include "common/store/gateway_states.hpp"

#include "common/store/keys.hpp"

#include <algorithm>

namespace zhida::store {

namespace {

// Both: KEYS: states. A value is "UNTIL_MS JSON".
// ARGV: process, JSON, how long to keep it in milliseconds.
const io::lua_script& put_script() {
    static const io::lua_script s(R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^%d+') or 0) <= now then redis.call('HDEL', KEYS[1], all[i]) end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now + ARGV[3], ARGV[2]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1)lua");
    return s;
}
const io::lua_script& get_script() {
    static const io::lua_script s(R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local out = {}
for i = 1, #all, 2 do
  local till, text = string.match(all[i + 1], '^(%d+) (.*)$')
  if till and tonumber(till) > now then
    out[#out + 1] = all[i]
    out[#out + 1] = text
  end
end
return out)lua");
    return s;
}

} // namespace

asio::awaitable<result<void>> gateway_states::put(std::string name, std::string process, json status,
                                                  std::chrono::seconds keep) {
    auto reply =
        co_await redis_.eval(put_script(), {keys::gateway_states(name)},
                             {std::move(process), to_text(status), std::to_string(keep.count() * 1000)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> gateway_states::forget(std::string name, std::string process) {
    auto reply = co_await redis_.command({"HDEL", keys::gateway_states(name), std::move(process)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::vector<json>>> gateway_states::get(std::string name) {
    const auto reply = co_await redis_.eval(get_script(), {keys::gateway_states(name)}, {});
    if (!reply) co_return reply.error();
    std::vector<std::pair<std::string, std::string>> found;
    for (std::size_t i = 0; i + 1 < reply->items.size(); i += 2)
        found.emplace_back(reply->items[i].text, reply->items[i + 1].text);
    std::sort(found.begin(), found.end());
    std::vector<json> out;
    for (const auto& [process, text] : found) {
        auto status = parse_json(text);
        if (!status) co_return status.error();
        out.push_back(std::move(*status));
    }
    co_return ok(std::move(out));
}

} // namespace zhida::store
