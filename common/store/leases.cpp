#include "common/store/leases.hpp"

namespace zhida::store {

namespace {

// KEYS lease; ARGV holder, milliseconds (0: give it up)
const io::lua_script& lease_script() {
    static const io::lua_script s(R"lua(
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
)lua");
    return s;
}

} // namespace

asio::awaitable<result<bool>> leases::hold(std::string key, std::string holder,
                                           std::chrono::milliseconds how_long) {
    auto reply = co_await redis_.eval(lease_script(), {std::move(key)},
                                      {std::move(holder), std::to_string(how_long.count())});
    if (!reply) co_return reply.error();
    co_return reply->integer == 1;
}

asio::awaitable<result<void>> leases::give_up(std::string key, std::string holder) {
    auto reply = co_await redis_.eval(lease_script(), {std::move(key)}, {std::move(holder), "0"});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

} // namespace zhida::store
