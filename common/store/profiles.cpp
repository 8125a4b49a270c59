#include "common/store/profiles.hpp"

#include "common/base/murmur2.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger_lua.hpp"

#include <charconv>

namespace zhida::store {

namespace {

constexpr std::size_t id_size = 24;

const io::lua_script& put_script() {
    static const io::lua_script s(lua::put_profiles);
    return s;
}

std::vector<std::string> split_ids(std::string_view bytes) {
    std::vector<std::string> ids;
    for (std::size_t at = 0; at + id_size <= bytes.size(); at += id_size) {
        const auto field = bytes.substr(at, id_size);
        ids.emplace_back(field.substr(0, field.find('\0')));
    }
    return ids;
}

} // namespace

asio::awaitable<result<stored_profile>> profiles::get(std::string id) {
    if (!valid_subject_id(id))
        co_return failure{errc::invalid, "'" + id.substr(0, 40) + "' is not a subject id", "subject",
                          "a 统一社会信用代码, or a resident's id"};
    stored_profile found;
    found.shard = shard_of(id, shards_);
    auto reply = co_await redis_.command({"GET", keys::profile(found.shard, id)});
    if (!reply) co_return reply.error();
    if (reply->is_nil())
        co_return failure{errc::not_found, "no subject " + id, "shard " + std::to_string(found.shard),
                          "zhida import brings profiles in"};
    auto unpacked = unpack_profile(reply->text);
    if (!unpacked) co_return unpacked.error();
    found.subject = std::move(unpacked->subject);
    found.subject.id = id;
    found.ordinal = unpacked->ordinal;
    if (!unpacked->sealed_contacts.empty()) {
        auto opened = sealer_.open(unpacked->sealed_contacts, id);
        if (!opened) co_return opened.error();
        auto contacts = parse_contacts(*opened);
        if (!contacts) co_return contacts.error();
        found.subject.contacts = std::move(*contacts);
    }
    co_return found;
}

asio::awaitable<result<std::vector<std::uint32_t>>> profiles::put(int shard, std::vector<profile> rows,
                                                                  std::int64_t next_offset) {
    io::redis_args args{std::to_string(next_offset), keys::profile_prefix(shard)};
    for (const auto& row : rows) {
        const auto sealed =
            row.contacts.empty() ? std::string() : sealer_.seal(contacts_text(row.contacts), row.id);
        args.push_back(row.id);
        args.push_back(pack_profile(row, 0, sealed));
    }
    auto reply =
        co_await redis_.eval(put_script(), {keys::shard_state(shard), keys::ids(shard)}, std::move(args));
    if (!reply) co_return reply.error();
    std::vector<std::uint32_t> ordinals;
    for (const auto& item : reply->items) ordinals.push_back(static_cast<std::uint32_t>(item.integer));
    co_return ordinals;
}

asio::awaitable<result<std::vector<shard_profile>>> profiles::load(int shard) {
    auto bytes = co_await redis_.command({"GET", keys::ids(shard)});
    if (!bytes) co_return bytes.error();
    std::vector<shard_profile> found;
    const auto ids = split_ids(bytes->text);
    found.reserve(ids.size());
    constexpr std::size_t batch = 2000;
    for (std::size_t at = 0; at < ids.size(); at += batch) {
        io::redis_args get{"MGET"};
        const auto end = std::min(ids.size(), at + batch);
        for (std::size_t i = at; i < end; ++i) get.push_back(keys::profile(shard, ids[i]));
        auto reply = co_await redis_.command(std::move(get));
        if (!reply) co_return reply.error();
        for (std::size_t i = at; i < end; ++i)
            found.push_back({ids[i], std::move(reply->items[i - at].text)});
    }
    co_return found;
}

asio::awaitable<result<std::vector<std::int64_t>>> profiles::applied_offsets() {
    std::vector<io::redis_args> commands;
    for (int shard = 0; shard < shards_; ++shard)
        commands.push_back({"HGET", keys::shard_state(shard), "profile_offset"});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<std::int64_t> offsets;
    for (const auto& r : *replies) offsets.push_back(r.number());
    co_return offsets;
}

asio::awaitable<result<std::int64_t>> profiles::applied_offset(int shard) {
    auto reply = co_await redis_.command({"HGET", keys::shard_state(shard), "profile_offset"});
    if (!reply) co_return reply.error();
    co_return reply->number();
}

asio::awaitable<result<std::int64_t>> profiles::count() {
    std::vector<io::redis_args> commands;
    for (int shard = 0; shard < shards_; ++shard) commands.push_back({"STRLEN", keys::ids(shard)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::int64_t bytes = 0;
    for (const auto& r : *replies) bytes += r.integer;
    co_return bytes / static_cast<std::int64_t>(id_size);
}

asio::awaitable<result<std::vector<stored_profile>>> profiles::sample(subject_type type, std::size_t count) {
    std::vector<stored_profile> found;
    for (int shard = 0; shard < shards_ && found.size() < count; ++shard) {
        // The first and the last of a shard: an import brings enterprises and residents one after the other.
        bool taken = false;
        for (const auto& [from, to] : {std::pair<std::string, std::string>{"0", "1535"}, {"-1536", "-1"}}) {
            auto bytes = co_await redis_.command({"GETRANGE", keys::ids(shard), from, to});
            if (!bytes) co_return bytes.error();
            for (const auto& id : split_ids(bytes->text)) {
                auto p = co_await get(id);
                if (!p) co_return p.error();
                if (p->subject.type != type) continue;
                found.push_back(std::move(*p));
                taken = true;
                break; // one a shard, so that they differ
            }
            if (taken) break;
        }
    }
    co_return found;
}

} // namespace zhida::store
