#include "common/io/redis_log_schema.hpp"

#include <charconv>

namespace zhida::io::redis_log_schema {

namespace {

bool parse(std::string_view text, std::int64_t& value) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size();
}

failure foreign(const topic_partition& p, std::string what) {
    return {errc::invalid, std::move(what), "stream " + stream_key(p),
            "somebody else wrote to it: give zhida a Redis database of its own"};
}

} // namespace

redis_args append_args(const log_message& message, std::int64_t now_ms) {
    redis_args args;
    args.reserve(9 + 2 * message.headers.size());
    args.push_back("XADD");
    args.push_back(stream_key({message.topic, message.partition}));
    args.push_back("0-*");
    args.push_back("t");
    args.push_back(std::to_string(now_ms));
    args.push_back("k");
    args.push_back(message.key);
    args.push_back("v");
    args.push_back(message.value);
    for (const auto& [name, value] : message.headers) {
        args.push_back("h" + name);
        args.push_back(value);
    }
    return args;
}

result<std::int64_t> offset_of(const std::string& id) {
    std::int64_t n = 0;
    if (!id.starts_with("0-") || !parse(std::string_view(id).substr(2), n) || n < 1)
        return failure{errc::invalid, "'" + id + "' is not the id of a record", "", ""};
    return n - 1;
}

result<log_record> record_of(const topic_partition& partition, redis_reply entry) {
    if (entry.items.size() != 2 || entry.items[1].items.size() % 2 != 0)
        return foreign(partition, "an entry without id and fields");
    const auto offset = offset_of(entry.items[0].text);
    if (!offset) return foreign(partition, offset.error().what);
    auto& fields = entry.items[1].items;
    if (fields.size() < 6 || fields[0].text != "t" || fields[2].text != "k" || fields[4].text != "v")
        return foreign(partition, "entry " + entry.items[0].text + " is not a record of zhida");
    log_record record{partition.topic,           partition.partition,       *offset, 0,
                      std::move(fields[3].text), std::move(fields[5].text), {}};
    if (!parse(fields[1].text, record.timestamp_ms))
        return foreign(partition, "entry " + entry.items[0].text + " has no time");
    for (std::size_t i = 6; i < fields.size(); i += 2) {
        if (!fields[i].text.starts_with('h'))
            return foreign(partition, "entry " + entry.items[0].text + " has an unknown field");
        record.headers.emplace_back(fields[i].text.substr(1), std::move(fields[i + 1].text));
    }
    return record;
}

result<std::int64_t> number_of(const redis_reply& reply, std::int64_t absent) {
    if (reply.is_nil()) return absent;
    if (reply.type == redis_reply::kind::integer) return reply.integer;
    std::int64_t value = 0;
    if (reply.type != redis_reply::kind::text || !parse(reply.text, value))
        return failure{errc::invalid, "'" + reply.text + "' is not a number", "", ""};
    return value;
}

} // namespace zhida::io::redis_log_schema
