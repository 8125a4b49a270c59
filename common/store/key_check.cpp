#include "common/store/key_check.hpp"

#include "common/store/keys.hpp"

namespace zhida::store {

namespace asio = boost::asio;

namespace {

// No phone number hashes to it.
std::string check_value(const crypto::sealer& sealer) {
    return sealer.lookup_hash("zhida contact key check");
}

} // namespace

asio::awaitable<result<void>> claim_key(io::redis& redis, const crypto::sealer& sealer) {
    auto claimed = co_await redis.command({"SET", keys::contact_key_check(), check_value(sealer), "NX"});
    if (!claimed) co_return claimed.error();
    co_return co_await check_key(redis, sealer);
}

asio::awaitable<result<void>> check_key(io::redis& redis, const crypto::sealer& sealer) {
    auto held = co_await redis.command({"GET", keys::contact_key_check()});
    if (!held) co_return held.error();
    if (held->is_nil())
        co_return failure{errc::not_found, "no service has started with this Redis yet", "redis.url",
                          "start zhida run first, or name the Redis of the running service"};
    if (!crypto::equal_constant_time(held->text, check_value(sealer)))
        co_return failure{errc::conflict, "this is not the contact key of the installation", "",
                          "use the key of the running service: node.contact_key_file or ZHIDA_CONTACT_KEY"};
    co_return result<void>{};
}

} // namespace zhida::store
