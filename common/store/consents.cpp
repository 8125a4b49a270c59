#include "common/store/consents.hpp"

#include "common/store/keys.hpp"
#include "common/store/ledger_lua.hpp"

namespace zhida::store {

namespace {

const io::lua_script& consent_script() {
    static const io::lua_script s(lua::consent);
    return s;
}

std::vector<std::string> names_of(std::string (*key)(int), const std::vector<int>& shards) {
    std::vector<std::string> names;
    names.reserve(shards.size());
    for (const int shard : shards) names.push_back(key(shard));
    return names;
}

} // namespace

asio::awaitable<result<void>> consents::opt_out(int shard, std::string subject_id) {
    std::vector<std::string> names{keys::opted_out(shard), keys::opted_out_bits(shard),
                                   keys::profiles(shard, subject_id)};
    auto reply = co_await redis_.eval(consent_script(), std::move(names), {std::move(subject_id), "1"});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> consents::opt_in(int shard, std::string subject_id) {
    const auto profile = keys::profiles(shard, subject_id);
    auto granted = co_await redis_.eval(
        consent_script(), {keys::no_grant(shard), keys::no_grant_bits(shard), profile}, {subject_id, "0"});
    if (!granted) co_return granted.error();
    auto reply =
        co_await redis_.eval(consent_script(), {keys::opted_out(shard), keys::opted_out_bits(shard), profile},
                             {std::move(subject_id), "0"});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<bool>> consents::opted_out(int shard, std::string subject_id) {
    auto reply = co_await redis_.command({"SISMEMBER", keys::opted_out(shard), std::move(subject_id)});
    if (!reply) co_return reply.error();
    co_return reply->integer == 1;
}

asio::awaitable<result<void>> consents::refuse(int shard, std::vector<std::string> subject_ids) {
    for (auto& id : subject_ids) {
        std::vector<std::string> names{keys::no_grant(shard), keys::no_grant_bits(shard),
                                       keys::profiles(shard, id)};
        auto reply = co_await redis_.eval(consent_script(), std::move(names), {std::move(id), "1"});
        if (!reply) co_return reply.error();
    }
    co_return result<void>{};
}

asio::awaitable<result<subject_bits>> consents::texts(std::vector<std::string> names) {
    std::vector<io::redis_args> commands;
    commands.reserve(names.size());
    for (auto& name : names) commands.push_back({"GET", std::move(name)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    subject_bits out;
    out.reserve(replies->size());
    for (auto& r : *replies) {
        if (r.type == io::redis_reply::kind::error)
            co_return failure{errc::refused, std::move(r.text), "GET of who may not be sent to", ""};
        out.push_back(std::move(r.text));
    }
    co_return out;
}

asio::awaitable<result<subject_bits>> consents::opted_out_bits(std::vector<int> shards) {
    return texts(names_of(keys::opted_out_bits, shards));
}

asio::awaitable<result<subject_bits>> consents::no_grant_bits(std::vector<int> shards) {
    return texts(names_of(keys::no_grant_bits, shards));
}

asio::awaitable<result<subject_bits>> consents::capped_bits(std::vector<int> shards, channel via,
                                                            frequency_cap cap, std::int32_t today) {
    if (!cap.any()) co_return subject_bits(shards.size());
    std::vector<std::string> names;
    names.reserve(shards.size());
    for (const int shard : shards) names.push_back(keys::sent_counts(shard, via));
    auto counts = co_await texts(std::move(names));
    if (!counts) co_return counts.error();
    for (auto& of_shard : *counts) {
        const auto subjects = of_shard.size() / sent_count::size;
        std::string bits((subjects + 7) / 8, '\0');
        for (std::size_t n = 0; n < subjects; ++n)
            if (sent_count::read(std::string_view(of_shard).substr(n * sent_count::size)).reached(cap, today))
                bits[n / 8] = static_cast<char>(bits[n / 8] | 0x80 >> (n % 8));
        of_shard = std::move(bits);
    }
    co_return counts;
}

} // namespace zhida::store
