#include "common/store/messages.hpp"

#include "common/base/json.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger_lua.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace zhida::store {

namespace {

const io::lua_script& resolve_script() {
    static const io::lua_script s(lua::resolve);
    return s;
}

const io::lua_script& add_script() {
    static const io::lua_script s(lua::add_places);
    return s;
}

std::string seconds_kept() {
    return std::to_string(receipts_kept.count());
}

failure broken(std::string what) {
    return {errc::invalid, std::move(what), "redis", "the data in Redis is not what this version writes"};
}

} // namespace

std::string to_text(const message_place& p) {
    // JSON, put together by hand: there are as many as messages. A campaign's id has nothing to escape.
    std::string text = "[" + std::to_string(p.shard) + ",\"" + p.campaign + "\",\"" + to_string(p.via) + "\"";
    for (const auto n : {p.position, static_cast<std::uint32_t>(p.part), static_cast<std::uint32_t>(p.parts)})
        text += "," + std::to_string(n);
    return text + "]";
}

result<message_place> read_message_place(std::string_view text) {
    const auto parsed = parse_json(text);
    if (!parsed || !parsed->is_array() || parsed->size() != 6)
        return broken("a message's place cannot be read");
    const auto& v = *parsed;
    message_place p;
    if (!v[0].is_number_integer() || !v[1].is_string() || !v[2].is_string() || !v[3].is_number_unsigned() ||
        !v[4].is_number_integer() || !v[5].is_number_integer() || !parse(v[2].get<std::string>(), p.via))
        return broken("a message's place cannot be read");
    p.shard = v[0].get<int>();
    p.campaign = v[1].get<std::string>();
    p.position = v[3].get<std::uint32_t>();
    p.part = v[4].get<int>();
    p.parts = v[5].get<int>();
    return p;
}

namespace {

// Fields and values of each hash: the places of a message, a line each.
std::unordered_map<std::string, io::redis_args> fields_of(const std::string& gateway,
                                                          const std::vector<messages::sent>& sent) {
    std::unordered_map<std::string_view, std::string> places;
    for (const auto& m : sent) {
        auto& text = places[m.message_id];
        if (!text.empty()) text += '\n';
        text += to_text(m.place);
    }
    std::unordered_map<std::string, io::redis_args> fields;
    for (auto& [id, text] : places) {
        auto& of_key = fields[keys::messages(gateway, id)];
        of_key.push_back(keys::field_of_message(id));
        of_key.push_back(std::move(text));
    }
    return fields;
}

} // namespace

asio::awaitable<result<std::vector<std::string>>> messages::bind(std::string gateway,
                                                                 std::vector<sent> messages) {
    if (messages.empty()) co_return std::vector<std::string>{};
    auto fields = fields_of(gateway, messages);
    std::vector<io::redis_args> commands;
    commands.reserve(fields.size() * 2 + 1);
    for (auto& [key, of_key] : fields) {
        auto& set = commands.emplace_back(io::redis_args{"HSET", key});
        std::move(of_key.begin(), of_key.end(), std::back_inserter(set));
        commands.push_back({"EXPIRE", key, seconds_kept()});
    }
    commands.push_back({"EXISTS", keys::any_orphan(gateway)}); // last: resolve() asks the other way round
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (const auto& r : *replies)
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
    if (replies->back().integer == 0) co_return std::vector<std::string>(messages.size()); // as mostly
    co_return co_await early(gateway, messages);
}

asio::awaitable<result<std::vector<std::string>>> messages::bind_also(std::string gateway,
                                                                      std::vector<sent> messages) {
    if (messages.empty()) co_return std::vector<std::string>{};
    auto fields = fields_of(gateway, messages);
    std::vector<std::string> names;
    io::redis_args args{seconds_kept()};
    for (auto& [key, of_key] : fields) {
        names.push_back(key);
        args.push_back(std::to_string(of_key.size() / 2));
        std::move(of_key.begin(), of_key.end(), std::back_inserter(args));
    }
    auto added = co_await redis_.eval(add_script(), std::move(names), std::move(args));
    if (!added) co_return added.error();
    co_return co_await early(gateway, messages);
}

// An early receipt stays until it expires: handing it over twice does no harm, losing it would.
asio::awaitable<result<std::vector<std::string>>> messages::early(const std::string& gateway,
                                                                  const std::vector<sent>& messages) {
    std::vector<std::string> found(messages.size());
    std::vector<io::redis_args> asked;
    asked.reserve(messages.size());
    for (const auto& m : messages) asked.push_back({"GET", keys::orphan(gateway, m.message_id)});
    auto orphans = co_await redis_.pipeline(std::move(asked));
    if (!orphans) co_return orphans.error();
    for (std::size_t i = 0; i < orphans->size(); ++i) {
        auto& r = (*orphans)[i];
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
        found[i] = std::move(r.text);
    }
    co_return found;
}

asio::awaitable<result<std::vector<message_place>>>
messages::resolve(std::string gateway, std::string message_id, std::string receipt) {
    auto reply = co_await redis_.eval(
        resolve_script(),
        {keys::messages(gateway, message_id), keys::orphan(gateway, message_id), keys::any_orphan(gateway)},
        {std::move(receipt), seconds_kept(), keys::field_of_message(message_id)});
    if (!reply) co_return reply.error();
    std::vector<message_place> places;
    if (reply->is_nil()) co_return places;
    for (std::string_view left = reply->text; !left.empty();) {
        const auto end = std::min(left.find('\n'), left.size());
        auto place = read_message_place(left.substr(0, end));
        if (!place) co_return place.error();
        places.push_back(std::move(*place));
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    co_return places;
}

asio::awaitable<result<std::vector<bool>>> messages::parts_delivered(std::vector<message_place> parts) {
    std::vector<bool> whole;
    if (parts.empty()) co_return whole;
    std::vector<io::redis_args> commands;
    for (const auto& p : parts) {
        const auto key = keys::parts(p.shard, p.campaign, p.via, p.position);
        commands.push_back({"SADD", key, std::to_string(p.part)});
        commands.push_back({"EXPIRE", key, seconds_kept()});
        commands.push_back({"SCARD", key});
    }
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (std::size_t k = 0; k < 3; ++k)
            if (const auto& r = (*replies)[i * 3 + k]; r.type == io::redis_reply::kind::error)
                co_return failure{errc::refused, r.text, "redis", ""};
        whole.push_back((*replies)[i * 3 + 2].integer >= parts[i].parts);
    }
    co_return whole;
}

asio::awaitable<result<std::string>> messages::receipts_server(int shard) {
    auto reply = co_await redis_.command({"HGET", keys::shard_state(shard), "receipts_server"});
    if (!reply) co_return reply.error();
    co_return std::move(reply->text);
}

asio::awaitable<result<void>> messages::put_receipts_server(int shard, std::string run_id) {
    auto reply =
        co_await redis_.command({"HSET", keys::shard_state(shard), "receipts_server", std::move(run_id)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

namespace {

io::log_message receipt_event(const char* type, int shard, std::string key, json data, wall_time now) {
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/dispatcher";
    e.type = type;
    e.subject = key;
    e.time = to_rfc3339(now);
    e.data = std::move(data);
    auto encoded = encode_event(e);
    return {topics::receipt, shard, std::move(key), std::move(encoded.value), encoded.headers};
}

} // namespace

result<io::log_message> receipt_message(const message_place& place, std::string_view receipt, wall_time now) {
    auto data = parse_json(receipt);
    if (!data) return data.error();
    (*data)["place"] = to_text(place);
    return receipt_event(event_type::receipt_arrived, place.shard, place.campaign, std::move(*data), now);
}

result<io::log_message> orphan_message(int shard, std::string_view receipt, wall_time now) {
    auto data = parse_json(receipt);
    if (!data) return data.error();
    return receipt_event(event_type::receipt_orphaned, shard, "orphan", std::move(*data), now);
}

} // namespace zhida::store
