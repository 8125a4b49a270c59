#include "common/store/reminder_days.hpp"

#include "common/store/keys.hpp"

namespace zhida::store {

asio::awaitable<result<std::map<std::string, std::int32_t>>> reminder_days::all() {
    auto reply = co_await redis_.command({"HGETALL", keys::reminder_days()});
    if (!reply) co_return reply.error();
    std::map<std::string, std::int32_t> days;
    for (std::size_t i = 0; i + 1 < reply->items.size(); i += 2)
        days[reply->items[i].text] = static_cast<std::int32_t>(reply->items[i + 1].number());
    co_return days;
}

asio::awaitable<result<void>> reminder_days::keep(std::string policy, std::int32_t day) {
    auto reply =
        co_await redis_.command({"HSET", keys::reminder_days(), std::move(policy), std::to_string(day)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

} // namespace zhida::store
