#include "common/store/number_marks.hpp"

#include "common/store/keys.hpp"

#include <charconv>

namespace zhida::store {

namespace {

using zhida::ledger::reason;

// "33 1795000000": the reason, and until when.
std::string to_text(reason why, std::uint32_t until) {
    return std::to_string(static_cast<int>(why)) + " " + std::to_string(until);
}
reason read(const std::string& text, std::uint32_t now) {
    int why = 0;
    std::uint32_t until = 0;
    const auto space = text.find(' ');
    if (space == std::string::npos) return reason::none;
    std::from_chars(text.data(), text.data() + space, why);
    std::from_chars(text.data() + space + 1, text.data() + text.size(), until);
    return now < until ? static_cast<reason>(why) : reason::none;
}

} // namespace

asio::awaitable<result<void>> number_marks::put(int shard, std::vector<std::pair<std::string, reason>> said,
                                                wall_time now) {
    if (said.empty()) co_return result<void>{};
    const auto until = unix_seconds(now + kept);
    io::redis_args set{"HSET", keys::number_marks(shard)};
    for (auto& [digest, why] : said) {
        set.push_back(std::move(digest));
        set.push_back(to_text(why, until));
    }
    const auto lives = std::chrono::duration_cast<std::chrono::seconds>(kept).count();
    std::vector<io::redis_args> both;
    both.push_back(std::move(set));
    both.push_back({"EXPIRE", keys::number_marks(shard), std::to_string(lives)});
    auto replies = co_await redis_.pipeline(std::move(both));
    if (!replies) co_return replies.error();
    co_return result<void>{};
}

asio::awaitable<result<bool>> number_marks::any(int shard) {
    auto reply = co_await redis_.command({"EXISTS", keys::number_marks(shard)});
    if (!reply) co_return reply.error();
    co_return reply->integer == 1;
}

asio::awaitable<result<std::vector<reason>>> number_marks::of(int shard, std::vector<std::string> digests,
                                                              wall_time now) {
    std::vector<reason> found;
    if (digests.empty()) co_return found;
    io::redis_args get{"HMGET", keys::number_marks(shard)};
    get.insert(get.end(), digests.begin(), digests.end());
    auto reply = co_await redis_.command(std::move(get));
    if (!reply) co_return reply.error();
    io::redis_args over{"HDEL", keys::number_marks(shard)};
    for (std::size_t i = 0; i < reply->items.size(); ++i) {
        const auto& item = reply->items[i];
        found.push_back(item.is_nil() ? reason::none : read(item.text, unix_seconds(now)));
        if (!item.is_nil() && found.back() == reason::none) over.push_back(std::move(digests[i]));
    }
    if (over.size() > 2) (void)co_await redis_.command(std::move(over));
    co_return found;
}

} // namespace zhida::store
