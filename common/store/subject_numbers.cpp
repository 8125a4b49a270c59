#include "common/store/subject_numbers.hpp"

#include "common/store/keys.hpp"
#include "common/store/profile_lua.hpp"

namespace zhida::store {

namespace {

constexpr std::size_t id_size = 24, at_once = 4096;

const io::lua_script& keep_script() {
    static const io::lua_script s(lua::keep_numbers);
    return s;
}

} // namespace

asio::awaitable<result<numbered_subjects>> subject_numbers::untold(int shard) {
    auto state = co_await redis_.command({"HMGET", keys::shard_state(shard), "numbers_told", "subjects"});
    if (!state) co_return state.error();
    const auto first = state->items[0].number(), end = state->items[1].number();
    numbered_subjects found{shard, static_cast<std::uint32_t>(first), {}};
    if (first >= end) co_return found;
    const auto last = std::min(end, first + static_cast<std::int64_t>(at_once));
    auto bytes = co_await redis_.command(
        {"GETRANGE", keys::ids(shard), std::to_string(first * 24), std::to_string(last * 24 - 1)});
    if (!bytes) co_return bytes.error();
    for (std::size_t at = 0; at + id_size <= bytes->text.size(); at += id_size) {
        const auto field = std::string_view(bytes->text).substr(at, id_size);
        found.ids.emplace_back(field.substr(0, field.find('\0')));
    }
    co_return found;
}

asio::awaitable<result<void>> subject_numbers::told(int shard, std::uint32_t until) {
    auto reply =
        co_await redis_.command({"HSET", keys::shard_state(shard), "numbers_told", std::to_string(until)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> subject_numbers::keep(numbered_subjects subjects) {
    const auto shard = subjects.shard;
    io::redis_args args{keys::profile_prefix(shard), std::to_string(subjects.first)};
    for (auto& id : subjects.ids) {
        args.push_back(keys::hex_of_bucket(keys::profile_bucket(id)));
        args.push_back(std::move(id));
    }
    auto reply = co_await redis_.eval(
        keep_script(), {keys::shard_state(shard), keys::ids(shard), keys::reserved(shard)}, std::move(args));
    if (!reply) co_return reply.error();
    if (!reply->text.empty())
        co_return failure{errc::conflict,
                          "the log and Redis do not agree on who has the number " + reply->text,
                          "shard " + std::to_string(shard),
                          "stop all processes, empty this Redis (not the event log) and run zhida ledger "
                          "rebuild: to go on would send to the wrong people"};
    co_return result<void>{};
}

} // namespace zhida::store
