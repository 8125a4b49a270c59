#include "common/store/gateway_states.hpp"

#include "common/store/keys.hpp"

namespace zhida::store {

asio::awaitable<result<void>> gateway_states::put(std::string name, json status, std::chrono::seconds keep) {
    auto reply = co_await redis_.command(
        {"SET", keys::gateway_status(name), to_text(status), "EX", std::to_string(keep.count())});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::optional<json>>> gateway_states::get(std::string name) {
    auto reply = co_await redis_.command({"GET", keys::gateway_status(name)});
    if (!reply) co_return reply.error();
    std::optional<json> out;
    if (!reply->is_nil()) {
        auto status = parse_json(reply->text);
        if (!status) co_return status.error();
        out = std::move(*status);
    }
    co_return ok(std::move(out));
}

} // namespace zhida::store
