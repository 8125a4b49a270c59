#include "common/store/idempotency.hpp"

#include "common/base/crypto.hpp"
#include "common/store/keys.hpp"

namespace zhida::store {

namespace {

// The value: "<state> <digest> <outcome>".
constexpr std::string_view pending = "pending ", done = "done ";

std::string key_of(const std::string& scope, const std::string& key) {
    return keys::idempotency(crypto::sha256_hex(scope + '\n' + key));
}

} // namespace

asio::awaitable<result<idempotent_start>> idempotency::start(std::string scope, std::string key,
                                                             std::string digest,
                                                             std::chrono::seconds in_progress_for) {
    auto held = co_await redis_.command({"SET", key_of(scope, key), std::string(pending) + digest + " ", "NX",
                                         "GET", "EX", std::to_string(in_progress_for.count())});
    if (!held) co_return held.error();
    idempotent_start out;
    if (held->is_nil()) co_return out;
    std::string_view text = held->text;
    const bool ended = text.starts_with(done);
    if (ended || text.starts_with(pending)) text.remove_prefix(ended ? done.size() : pending.size());
    const auto space = text.find(' ');
    if (text.substr(0, space) != digest) {
        out.what = idempotent_start::kind::other_body;
    } else if (ended && space != std::string_view::npos) {
        out.what = idempotent_start::kind::done;
        out.outcome = std::string(text.substr(space + 1));
    } else {
        out.what = idempotent_start::kind::in_progress;
    }
    co_return out;
}

asio::awaitable<result<void>> idempotency::finish(std::string scope, std::string key, std::string digest,
                                                  std::string outcome, std::chrono::seconds keep) {
    auto reply =
        co_await redis_.command({"SET", key_of(scope, key), std::string(done) + digest + " " + outcome, "EX",
                                 std::to_string(keep.count())});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> idempotency::forget(std::string scope, std::string key) {
    auto reply = co_await redis_.command({"DEL", key_of(scope, key)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

} // namespace zhida::store
