#include "common/store/api_calls.hpp"

#include "common/store/keys.hpp"

#include <charconv>

namespace zhida::store {

namespace {
constexpr const char* kept_s = "259200"; // three days, for whoever asks what happened
}

asio::awaitable<result<std::map<std::string, std::int64_t>>>
api_calls::add(std::string account, std::int32_t day, std::map<std::string, std::int64_t> calls) {
    std::map<std::string, std::int64_t> totals;
    if (calls.empty()) co_return totals;
    const auto key = keys::wechat_calls(account, day);
    std::vector<io::redis_args> commands;
    for (const auto& [api, count] : calls) commands.push_back({"HINCRBY", key, api, std::to_string(count)});
    commands.push_back({"EXPIRE", key, kept_s});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::size_t at = 0;
    for (const auto& [api, count] : calls) {
        const auto& reply = (*replies)[at++];
        if (reply.type == io::redis_reply::kind::error) co_return failure{errc::refused, reply.text, key, ""};
        totals[api] = reply.integer;
    }
    co_return totals;
}

asio::awaitable<result<std::map<std::string, std::int64_t>>> api_calls::of_day(std::string account,
                                                                               std::int32_t day) {
    auto reply = co_await redis_.command({"HGETALL", keys::wechat_calls(account, day)});
    if (!reply) co_return reply.error();
    std::map<std::string, std::int64_t> totals;
    for (std::size_t i = 0; i + 1 < reply->items.size(); i += 2) {
        std::int64_t n = 0;
        const auto& text = reply->items[i + 1].text;
        std::from_chars(text.data(), text.data() + text.size(), n);
        totals[reply->items[i].text] = n;
    }
    co_return totals;
}

} // namespace zhida::store
