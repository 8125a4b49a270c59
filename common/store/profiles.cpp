#include "common/store/profiles.hpp"

#include "common/base/little_endian.hpp"
#include "common/base/murmur2.hpp"
#include "common/store/keys.hpp"
#include "common/store/profile_lua.hpp"

#include <algorithm>

namespace zhida::store {

namespace {

constexpr std::size_t id_size = 24;

const io::lua_script& put_script() {
    static const io::lua_script s(lua::put_profiles);
    return s;
}

std::string id_in(std::string_view field) {
    return std::string(field.substr(0, std::min(field.find('\0'), field.size())));
}

// Of those that are there: at the end there may be room for more.
std::vector<std::string> split_ids(std::string_view bytes) {
    std::vector<std::string> ids;
    for (std::size_t at = 0; at + id_size <= bytes.size() && bytes[at] != '\0'; at += id_size)
        ids.push_back(id_in(bytes.substr(at, id_size)));
    return ids;
}

std::optional<std::uint32_t> ordinal_in(std::string_view packed) {
    if (packed.size() < packed_ordinal_at + 4) return std::nullopt;
    return get32(packed, packed_ordinal_at);
}

// What pipelined commands gave; an error reply to one is a failure of all.
asio::awaitable<result<std::vector<io::redis_reply>>> ask(io::redis& redis,
                                                          std::vector<io::redis_args> commands) {
    if (commands.empty()) co_return std::vector<io::redis_reply>{};
    const auto verb = commands.front().front();
    auto replies = co_await redis.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (auto& r : *replies)
        if (r.type == io::redis_reply::kind::error)
            co_return failure{errc::refused, std::move(r.text), verb + " of profiles", ""};
    co_return std::move(*replies);
}

std::vector<io::redis_args> of_each_bucket(const char* verb, int shard) {
    std::vector<io::redis_args> commands;
    commands.reserve(keys::profile_buckets);
    for (int b = 0; b < keys::profile_buckets; ++b) commands.push_back({verb, keys::profiles(shard, b)});
    return commands;
}

} // namespace

asio::awaitable<result<stored_profile>> profiles::get(std::string id) {
    if (!valid_subject_id(id))
        co_return failure{errc::invalid, "'" + id.substr(0, 40) + "' is not a subject id", "subject",
                          "a 统一社会信用代码, or a resident's id"};
    stored_profile found;
    found.shard = shard_of(id, shards_);
    auto reply = co_await redis_.command({"HGET", keys::profiles(found.shard, id), id});
    if (!reply) co_return reply.error();
    if (reply->is_nil())
        co_return failure{errc::not_found, "no subject " + id, "shard " + std::to_string(found.shard),
                          "zhida import brings profiles in"};
    auto unpacked = unpack_profile(reply->text);
    if (!unpacked) co_return unpacked.error();
    found.subject = std::move(unpacked->subject);
    found.subject.id = id;
    found.ordinal = unpacked->ordinal;
    auto contacts = open_contacts(unpacked->sealed_contacts, sealer_, id);
    if (!contacts) co_return contacts.error();
    found.subject.contacts = std::move(*contacts);
    co_return found;
}

asio::awaitable<result<std::vector<std::uint32_t>>> profiles::put(int shard, std::vector<profile> rows,
                                                                  std::int64_t next_offset, shard_writer by) {
    io::redis_args args{
        std::to_string(next_offset), keys::profile_prefix(shard), crypto::hex(crypto::random_bytes(8)),
        keys::matching_epoch,        std::to_string(by.epoch),    std::to_string(by.applied)};
    for (const auto& row : rows) {
        args.push_back(keys::hex_of_bucket(keys::profile_bucket(row.id)));
        args.push_back(row.id);
        args.push_back(pack_profile(row, 0, seal_contacts(row.contacts, sealer_, row.id)));
    }
    std::vector<std::string> names{
        keys::shard_state(shard),    keys::ids(shard),           keys::opted_out(shard),
        keys::opted_out_bits(shard), keys::preferences(shard),   keys::untargeted_bits(shard),
        keys::no_grant(shard),       keys::no_grant_bits(shard), keys::reserved(shard)};
    auto reply = co_await redis_.eval(put_script(), std::move(names), std::move(args));
    if (!reply) {
        auto why = reply.error();
        if (why.what.find("FENCED") != std::string::npos) why.code = errc::conflict;
        co_return why;
    }
    std::vector<std::uint32_t> ordinals;
    for (const auto& item : reply->items) ordinals.push_back(static_cast<std::uint32_t>(item.integer));
    co_return ordinals;
}

asio::awaitable<result<std::vector<shard_profile>>> profiles::load(int shard) {
    auto replies = co_await ask(redis_, of_each_bucket("HGETALL", shard));
    if (!replies) co_return replies.error();
    std::vector<shard_profile> found;
    for (auto& bucket : *replies)
        for (std::size_t i = 0; i + 1 < bucket.items.size(); i += 2) {
            const auto ordinal = ordinal_in(bucket.items[i + 1].text);
            if (!ordinal) continue;
            if (*ordinal >= found.size()) found.resize(*ordinal + 1);
            found[*ordinal] = {std::move(bucket.items[i].text), std::move(bucket.items[i + 1].text)};
        }
    co_return found;
}

asio::awaitable<result<std::vector<std::string>>> profiles::load_packed(int shard) {
    auto replies = co_await ask(redis_, of_each_bucket("HVALS", shard));
    if (!replies) co_return replies.error();
    std::vector<std::string> found;
    std::size_t count = 0;
    for (const auto& bucket : *replies) count += bucket.items.size();
    found.reserve(count);
    for (auto& bucket : *replies)
        for (auto& packed : bucket.items) found.push_back(std::move(packed.text));
    co_return found;
}

asio::awaitable<result<std::vector<std::optional<std::uint32_t>>>>
profiles::ordinals(int shard, std::vector<std::string> ids) {
    std::vector<io::redis_args> commands;
    commands.reserve(ids.size());
    for (auto& id : ids) commands.push_back({"HGET", keys::profiles(shard, id), std::move(id)});
    auto replies = co_await ask(redis_, std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<std::optional<std::uint32_t>> found;
    for (const auto& r : *replies) found.push_back(ordinal_in(r.text));
    co_return found;
}

asio::awaitable<result<std::vector<std::string>>> profiles::ids(int shard,
                                                                std::vector<std::uint32_t> ordinals) {
    std::vector<io::redis_args> commands;
    for (const auto ordinal : ordinals) {
        const auto at = std::uint64_t{ordinal} * id_size;
        commands.push_back(
            {"GETRANGE", keys::ids(shard), std::to_string(at), std::to_string(at + id_size - 1)});
    }
    auto replies = co_await ask(redis_, std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<std::string> found;
    for (const auto& r : *replies) found.push_back(id_in(r.text));
    co_return found;
}

asio::awaitable<result<std::vector<profile>>> profiles::without_contacts(std::vector<subject_place> places) {
    std::vector<io::redis_args> commands;
    commands.reserve(places.size());
    for (const auto& p : places) {
        const auto at = std::uint64_t{p.ordinal} * id_size;
        commands.push_back(
            {"GETRANGE", keys::ids(p.shard), std::to_string(at), std::to_string(at + id_size - 1)});
    }
    auto replies = co_await ask(redis_, std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<std::string> found;
    std::vector<io::redis_args> rows;
    for (std::size_t i = 0; i < replies->size(); ++i) {
        auto id = id_in((*replies)[i].text);
        if (id.empty()) continue;
        rows.push_back({"HGET", keys::profiles(places[i].shard, id), id});
        found.push_back(std::move(id));
    }
    auto packed = co_await ask(redis_, std::move(rows));
    if (!packed) co_return packed.error();
    std::vector<profile> out;
    for (std::size_t i = 0; i < packed->size(); ++i) {
        auto unpacked = unpack_profile((*packed)[i].text);
        if (!unpacked) continue;
        out.push_back(std::move(unpacked->subject));
        out.back().id = std::move(found[i]);
    }
    co_return out;
}

asio::awaitable<result<shard_place>> profiles::place(int shard) {
    auto reply = co_await redis_.command({"HMGET", keys::shard_state(shard), "profile_offset", "lineage"});
    if (!reply) co_return reply.error();
    if (reply->items.size() != 2)
        co_return failure{errc::invalid, "not a shard's place", keys::shard_state(shard), ""};
    co_return shard_place{reply->items[0].number(), std::move(reply->items[1].text)};
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
    for (int shard = 0; shard < shards_; ++shard)
        commands.push_back({"HGET", keys::shard_state(shard), "subjects"});
    auto replies = co_await ask(redis_, std::move(commands));
    if (!replies) co_return replies.error();
    std::int64_t sum = 0;
    for (const auto& r : *replies) sum += r.number();
    co_return sum;
}

asio::awaitable<result<std::vector<stored_profile>>> profiles::sample(subject_type type, std::size_t count) {
    std::vector<stored_profile> found;
    for (int shard = 0; shard < shards_ && found.size() < count; ++shard) {
        // The first and the last of a shard: an import brings enterprises and residents one after the other.
        bool taken = false;
        auto subjects = co_await redis_.command({"HGET", keys::shard_state(shard), "subjects"});
        if (!subjects) co_return subjects.error();
        const auto last = std::max<std::int64_t>(subjects->number() - 64, 0);
        for (const auto first : {std::int64_t{0}, last}) {
            const auto at = first * static_cast<std::int64_t>(id_size);
            auto bytes = co_await redis_.command(
                {"GETRANGE", keys::ids(shard), std::to_string(at), std::to_string(at + 64 * id_size - 1)});
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
