#include "common/store/key_check.hpp"

#include "common/store/keys.hpp"

namespace zhida::store {

namespace asio = boost::asio;

namespace {

// No phone number hashes to it.
std::string check_value(const crypto::sealer& sealer) {
    return sealer.lookup_hash("zhida contact key check");
}

// Of what the keys of a shard hold and how they are found. Another one would be read as if nobody were there.
constexpr const char* layout = "2";

} // namespace

asio::awaitable<result<void>> claim_key(io::redis& redis, const crypto::sealer& sealer) {
    auto claimed = co_await redis.command(
        {"MSETNX", keys::contact_key_check(), check_value(sealer), keys::layout(), layout});
    if (!claimed) co_return claimed.error();
    auto checked = co_await check_key(redis, sealer);
    if (checked || checked.error().code != errc::not_found) co_return checked;
    // Somebody has removed the check, because the key was lost; the data are laid out as ours.
    auto again = co_await redis.command({"SET", keys::contact_key_check(), check_value(sealer), "NX"});
    if (!again) co_return again.error();
    co_return co_await check_key(redis, sealer);
}

asio::awaitable<result<void>> check_key(io::redis& redis, const crypto::sealer& sealer) {
    auto reply = co_await redis.command({"MGET", keys::contact_key_check(), keys::layout()});
    if (!reply) co_return reply.error();
    if (reply->items.size() != 2) co_return failure{errc::invalid, "not two values", "redis", ""};
    const auto& held = reply->items[0];
    if (held.is_nil() && (reply->items[1].is_nil() || reply->items[1].text == layout))
        co_return failure{errc::not_found, "no service has started with this Redis yet", "redis.url",
                          "start zhida run first, or name the Redis of the running service"};
    if (reply->items[1].text != layout)
        co_return failure{errc::conflict,
                          "this Redis was written by a version that lays its data out otherwise", "redis.url",
                          "docs/operations.md, Upgrade: rebuild it from the event log"};
    if (!crypto::equal_constant_time(held.text, check_value(sealer)))
        co_return failure{errc::conflict, "this is not the contact key of the installation", "",
                          "use the key of the running service: node.contact_key_file or ZHIDA_CONTACT_KEY"};
    co_return result<void>{};
}

} // namespace zhida::store
