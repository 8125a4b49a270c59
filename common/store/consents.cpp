#include "common/store/consents.hpp"

#include "common/base/little_endian.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger_lua.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::store {

namespace {

const io::lua_script& consent_script() {
    static const io::lua_script s(lua::consent);
    return s;
}

std::vector<std::string> keys_of(int shard, const consent_change& c) {
    return {keys::shard_state(shard),      keys::opted_out(shard),       keys::opted_out_bits(shard),
            keys::no_grant(shard),         keys::no_grant_bits(shard),   keys::preferences(shard),
            keys::untargeted_bits(shard),  keys::refused_numbers(shard), keys::profiles(shard, c.who),
            keys::wechat_addresses(shard), keys::bound(shard),           keys::bindings(shard, c.who)};
}

// The set alone says who refuses all messages, for it is what a claim looks at.
std::vector<std::string> arguments_of(const consent_change& c) {
    auto narrower = c.chosen;
    narrower.all_messages = false;
    return {to_string(c.kind),
            c.who,
            narrower.nothing_said() ? "" : encode(narrower),
            c.chosen.all_messages ? "1" : "0",
            of_address(c.kind) ? c.template_id : c.address,
            std::to_string(c.at_ms / 1000),
            of_address(c.kind) ? (c.once ? "1" : "0") : c.sealed,
            of_address(c.kind) ? "address" : "",
            c.grant};
}

std::vector<std::string> names_of(std::string (*key)(int), const std::vector<int>& shards) {
    std::vector<std::string> names;
    names.reserve(shards.size());
    for (const int shard : shards) names.push_back(key(shard));
    return names;
}

} // namespace

std::string number_digests::of(std::string_view phone) const {
    std::string folded(phone);
    if (phone.starts_with("wecom:")) // its userids know no case
        std::transform(folded.begin(), folded.end(), folded.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const auto digest = crypto::hmac_sm3(key_, folded);
    return crypto::hex({reinterpret_cast<const char*>(digest.data()), number_digest_size / 2});
}

asio::awaitable<result<std::vector<applied_change>>> consents::apply(std::vector<placed_change> changes) {
    const auto& script = consent_script();
    // Loaded in the same write, so that none of them has to be sent again.
    std::vector<io::redis_args> commands{{"SCRIPT", "LOAD", script.source()}};
    commands.reserve(changes.size() + 1);
    for (const auto& c : changes) {
        io::redis_args call{"EVALSHA", script.sha1(), "12"};
        for (auto& name : keys_of(c.shard, c.change)) call.push_back(std::move(name));
        call.push_back(std::to_string(c.after));
        call.push_back(std::to_string(c.offset));
        for (auto& argument : arguments_of(c.change)) call.push_back(std::move(argument));
        commands.push_back(std::move(call));
    }
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<applied_change> out;
    out.reserve(changes.size());
    for (std::size_t i = 0; i < replies->size(); ++i) {
        auto& r = (*replies)[i];
        if (r.type == io::redis_reply::kind::error)
            co_return failure{errc::refused, std::move(r.text), "a change of consents", ""};
        if (i > 0 && r.items.size() == 2) out.push_back({r.items[0].integer == 1, r.items[1].integer});
    }
    co_return out;
}

asio::awaitable<result<std::int64_t>> consents::place(int shard) {
    auto reply = co_await redis_.command({"HGET", keys::shard_state(shard), "consent_offset"});
    if (!reply) co_return reply.error();
    co_return reply->number();
}

asio::awaitable<result<void>> consents::move_place(int shard, std::int64_t from, std::int64_t to) {
    static const io::lua_script script(lua::move_consents);
    auto reply =
        co_await redis_.eval(script, {keys::shard_state(shard)}, {std::to_string(from), std::to_string(to)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<preferences>> consents::preferences_of(int shard, std::string subject_id) {
    std::vector<io::redis_args> commands{{"HGET", keys::preferences(shard), subject_id},
                                         {"SISMEMBER", keys::opted_out(shard), subject_id}};
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (auto& r : *replies)
        if (r.type == io::redis_reply::kind::error)
            co_return failure{errc::refused, std::move(r.text), "preferences of " + subject_id, ""};
    preferences p;
    if (const auto& stored = replies->front(); !stored.is_nil()) {
        auto decoded = decode_preferences(stored.text);
        if (!decoded) co_return decoded.error();
        p = std::move(*decoded);
    }
    p.all_messages = replies->back().integer == 1;
    co_return p;
}

asio::awaitable<result<bool>> consents::number_refused(int shard, std::string digest) {
    auto reply = co_await redis_.command({"SISMEMBER", keys::refused_numbers(shard), std::move(digest)});
    if (!reply) co_return reply.error();
    co_return reply->integer == 1;
}

asio::awaitable<result<void>> consents::put(int shard, consent_kind kind, std::string subject_id) {
    const consent_change change{kind, std::move(subject_id), {}, 0};
    io::redis_args arguments{"", ""};
    for (auto& argument : arguments_of(change)) arguments.push_back(std::move(argument));
    auto reply = co_await redis_.eval(consent_script(), keys_of(shard, change), std::move(arguments));
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> consents::opt_out(int shard, std::string subject_id) {
    co_return co_await put(shard, consent_kind::opt_out, std::move(subject_id));
}

asio::awaitable<result<void>> consents::opt_in(int shard, std::string subject_id) {
    co_return co_await put(shard, consent_kind::opt_in, std::move(subject_id));
}

asio::awaitable<result<bool>> consents::opted_out(int shard, std::string subject_id) {
    auto reply = co_await redis_.command({"SISMEMBER", keys::opted_out(shard), std::move(subject_id)});
    if (!reply) co_return reply.error();
    co_return reply->integer == 1;
}

asio::awaitable<result<void>> consents::refuse(int shard, std::vector<std::string> subject_ids) {
    for (auto& id : subject_ids) {
        auto done = co_await put(shard, consent_kind::refuse, std::move(id));
        if (!done) co_return done.error();
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

asio::awaitable<result<std::vector<std::pair<std::uint32_t, std::vector<channel>>>>>
consents::channel_orders(int shard) {
    std::vector<std::pair<std::uint32_t, std::vector<channel>>> found;
    auto all = co_await redis_.command({"HGETALL", keys::preferences(shard)});
    if (!all) co_return all.error();
    std::vector<io::redis_args> commands;
    std::vector<std::vector<channel>> orders;
    for (std::size_t i = 0; i + 1 < all->items.size(); i += 2) {
        const auto& id = all->items[i].text;
        auto chosen = decode_preferences(all->items[i + 1].text);
        if (!chosen || chosen->order.empty())
            continue; // one that cannot be read refuses: the dispatcher says so
        commands.push_back({"HGET", keys::profiles(shard, id), id});
        orders.push_back(std::move(chosen->order));
    }
    if (commands.empty()) co_return found;
    auto profiles = co_await redis_.pipeline(std::move(commands));
    if (!profiles) co_return profiles.error();
    for (std::size_t i = 0; i < orders.size(); ++i) {
        const auto& packed = (*profiles)[i].text;
        if (packed.size() < packed_ordinal_at + 4) continue; // no profile: in no audience
        found.emplace_back(get32(packed, packed_ordinal_at), std::move(orders[i]));
    }
    co_return found;
}

asio::awaitable<result<std::vector<bool>>> consents::numbers_refused(int shard,
                                                                     std::vector<std::string> digests) {
    std::vector<bool> refused;
    if (digests.empty()) co_return refused;
    io::redis_args args{"SMISMEMBER", keys::refused_numbers(shard)};
    std::move(digests.begin(), digests.end(), std::back_inserter(args));
    auto reply = co_await redis_.command(std::move(args));
    if (!reply) co_return reply.error();
    refused.reserve(reply->items.size());
    for (const auto& item : reply->items) refused.push_back(item.integer == 1);
    co_return refused;
}

asio::awaitable<result<subject_bits>> consents::untargeted_bits(std::vector<int> shards) {
    return texts(names_of(keys::untargeted_bits, shards));
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
