#include "services/token_share.hpp"

#include "common/base/json.hpp"
#include "common/base/log.hpp"
#include "common/store/keys.hpp"
#include "common/store/leases.hpp"

#include <algorithm>
#include <memory>

namespace zhida {

namespace asio = boost::asio;

namespace {

using gateways::wechat_token;

struct share {
    io::redis& redis;
    const crypto::sealer& sealer;
    const clock& time;
    std::string account, holder;
    std::chrono::milliseconds turn;
};

wall_time at(const json& document, const char* name) {
    const auto found = document.find(name);
    return wall_time(
        milliseconds(found != document.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0));
}

asio::awaitable<std::optional<wechat_token>> load(std::shared_ptr<share> s) {
    const auto key = store::keys::wechat_token(s->account);
    auto reply = co_await s->redis.command({"GET", key});
    if (!reply || reply->is_nil()) co_return std::nullopt;
    const auto opened = s->sealer.open(reply->text, key);
    const auto document = opened ? parse_json(*opened) : result<json>(opened.error());
    const auto readable =
        document && document->is_object() && document->contains("value") && document->at("value").is_string();
    if (!readable) { // sealed with another key, or damaged: a new one is fetched and written over it
        log::warn("the shared access token cannot be read",
                  {{"why", document ? "it is no document of ours" : document.error().text()}});
        co_return std::nullopt;
    }
    co_return wechat_token{document->at("value").get<std::string>(), at(*document, "expires_ms"),
                           at(*document, "renew_ms")};
}

asio::awaitable<bool> keep(std::shared_ptr<share> s, wechat_token token) {
    const auto key = store::keys::wechat_token(s->account);
    const auto lives = std::max<std::int64_t>((token.expires - s->time.now()).count(), 1000);
    const auto sealed = s->sealer.seal(to_text({{"value", token.value},
                                                {"expires_ms", token.expires.time_since_epoch().count()},
                                                {"renew_ms", token.renew.time_since_epoch().count()}}),
                                       key);
    auto reply = co_await s->redis.command({"SET", key, sealed, "PX", std::to_string(lives)});
    if (!reply) log::warn("the access token is not shared", {{"why", reply.error().text()}});
    co_return reply.has_value();
}

asio::awaitable<bool> take_turn(std::shared_ptr<share> s) {
    store::leases leases(s->redis);
    const auto held = co_await leases.hold(store::keys::wechat_token_lease(s->account), s->holder, s->turn);
    co_return !held || *held;
}

asio::awaitable<void> end_turn(std::shared_ptr<share> s) {
    store::leases leases(s->redis);
    (void)co_await leases.give_up(store::keys::wechat_token_lease(s->account), s->holder);
}

} // namespace

gateways::wechat_token_store share_token(io::redis& redis, const crypto::sealer& sealer, const clock& time,
                                         std::string account, std::chrono::milliseconds turn) {
    // A name of its own for each client: two of one process take turns as those of two do.
    const auto s = std::make_shared<share>(
        share{redis, sealer, time, std::move(account), crypto::hex(crypto::random_bytes(12)), turn});
    return {[s] { return load(s); }, [s](wechat_token token) { return keep(s, std::move(token)); },
            [s] { return take_turn(s); }, [s] { return end_turn(s); }};
}

} // namespace zhida
