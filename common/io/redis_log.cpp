#include "common/io/redis_log.hpp"

#include "common/io/event_log_limits.hpp"
#include "common/io/redis_consumer.hpp"
#include "common/io/redis_log_schema.hpp"
#include "common/io/spawn.hpp"

#include <algorithm>

namespace zhida::io {

namespace schema = redis_log_schema;

namespace {

// One write to Redis holds at most this much; a larger append_all is several.
constexpr std::size_t append_commands = 2000;
constexpr std::size_t append_bytes = std::size_t{8} << 20;
constexpr std::size_t read_records = 1000; // of one read()

// KEYS: partitions, retention. ARGV: topic, partitions, retention_ms. Gives the number that the topic has.
const lua_script& ensure_script() {
    static const lua_script script(R"(
local had = redis.call('HGET', KEYS[1], ARGV[1])
if had and had ~= ARGV[2] then return had end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return ARGV[2]
)");
    return script;
}

// KEYS: streams. Gives their last ids, "0-0" for one that nothing was appended to.
const lua_script& ends_script() {
    static const lua_script script(R"(
local ends = {}
for i = 1, #KEYS do
    ends[i] = '0-0'
    if redis.call('EXISTS', KEYS[i]) == 1 then
        local info = redis.call('XINFO', 'STREAM', KEYS[i])
        for j = 1, #info, 2 do
            if info[j] == 'last-generated-id' then ends[i] = info[j + 1] end
        end
    end
end
return ends
)");
    return script;
}

// KEYS: stream. ARGV: first offset, records at most, bytes about at most: a larger answer than we take would
// cost everybody the connection.
const lua_script& read_script() {
    static const lua_script script(R"(
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local from, left, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local info = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' and from > tonumber(string.match(info[i + 1], '%-(%d+)$')) then from = 0 end
end
local out, start = {}, string.format('0-%.0f', from + 1)
while left > 0 and room > 0 do
    local wanted = math.min(left, 32)
    local entries = redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', wanted)
    for _, entry in ipairs(entries) do
        out[#out + 1] = entry
        left = left - 1
        for _, part in ipairs(entry[2]) do room = room - #part end
        if room <= 0 then return out end
    end
    if #entries < wanted then break end
    start = '(' .. entries[wanted][1]
end
return out
)");
    return script;
}

std::vector<topic_partition> partitions(const std::string& topic, std::int32_t count) {
    std::vector<topic_partition> all;
    for (std::int32_t p = 0; p < count; ++p) all.push_back({topic, p});
    return all;
}

} // namespace

redis_log_core::redis_log_core(asio::any_io_executor e, redis_options o)
    : executor(e), options(std::move(o)), connection(std::make_shared<redis>(executor, options)) {}

asio::awaitable<result<std::int32_t>> redis_log_core::partitions_of(std::string topic) {
    if (const auto found = known.find(topic); found != known.end()) co_return found->second;
    const auto answer = co_await connection->command({"HGET", schema::partitions_key, topic});
    if (!answer) co_return answer.error();
    const auto count = schema::number_of(*answer, 0);
    if (!count) co_return count.error();
    if (*count == 0)
        co_return failure{errc::not_found, "topic " + topic + " does not exist", "event log on Redis",
                          "it is made when zhida starts: check that redis.url names the right database"};
    co_return known[topic] = static_cast<std::int32_t>(*count);
}

asio::awaitable<result<std::vector<std::int64_t>>>
redis_log_core::ends_of(std::vector<topic_partition> wanted) {
    std::vector<std::string> keys;
    for (const auto& p : wanted) keys.push_back(schema::stream_key(p));
    const auto answer = co_await connection->eval(ends_script(), std::move(keys), {});
    if (!answer) co_return answer.error();
    std::vector<std::int64_t> ends;
    for (const auto& id : answer->items) {
        const auto last = id.text == "0-0" ? result<std::int64_t>(-1) : schema::offset_of(id.text);
        if (!last) co_return last.error();
        ends.push_back(*last + 1);
    }
    co_return ends;
}

asio::awaitable<result<std::vector<std::int64_t>>>
redis_log_core::stored_by(std::string group, std::vector<topic_partition> wanted) {
    redis_args args{"HMGET", schema::offsets_key(group)};
    for (const auto& p : wanted) args.push_back(schema::field(p));
    const auto answer = co_await connection->command(std::move(args));
    if (!answer) co_return answer.error();
    std::vector<std::int64_t> offsets;
    for (const auto& item : answer->items) {
        const auto offset = schema::number_of(item, 0);
        if (!offset) co_return offset.error();
        offsets.push_back(*offset);
    }
    co_return offsets;
}

redis_log::redis_log(asio::any_io_executor executor, const config& c)
    : core_(std::make_shared<redis_log_core>(
          executor, redis_options{c.redis.url, std::chrono::milliseconds(c.redis.timeout_ms)})) {}

void redis_log_core::close() {
    closed = true;
    if (stop_trimming) stop_trimming();
}

redis_log::~redis_log() {
    core_->close();
}

asio::awaitable<result<void>> redis_log::ensure(std::vector<topic_spec> topics) {
    for (const auto& t : topics) {
        const auto wanted = std::to_string(t.partitions);
        const auto answer =
            co_await core_->connection->eval(ensure_script(), {schema::partitions_key, schema::retention_key},
                                             {t.name, wanted, std::to_string(t.retention_ms)});
        if (!answer) co_return answer.error();
        if (answer->text != wanted) co_return another_number_of_partitions(t, answer->text);
        core_->known[t.name] = t.partitions;
        if (t.retention_ms >= 0) core_->retention[t.name] = t.retention_ms;
    }
    if (!core_->retention.empty() && !trimming_) {
        trimming_ = true;
        spawn(core_->executor, trim_redis_log_for_ever(core_));
    }
    co_return result<void>();
}

asio::awaitable<result<std::int64_t>> redis_log::append(log_message message) {
    std::vector<log_message> one;
    one.push_back(std::move(message));
    const auto offsets = co_await append_all(std::move(one));
    if (!offsets) co_return offsets.error();
    co_return offsets->front();
}

asio::awaitable<result<std::vector<std::int64_t>>> redis_log::append_all(std::vector<log_message> messages) {
    const auto core = core_;
    const log_message* before = nullptr;
    std::int32_t partitions_now = 0;
    for (const auto& m : messages) {
        if (auto wrong = check_message(m)) co_return *wrong;
        if (!before || before->topic != m.topic) {
            const auto count = co_await core->partitions_of(m.topic);
            if (!count) co_return count.error();
            partitions_now = *count;
            before = &m;
        }
        if (m.partition < 0 || m.partition >= partitions_now)
            co_return no_such_partition({m.topic, m.partition}, partitions_now);
    }
    std::vector<std::int64_t> offsets;
    offsets.reserve(messages.size());
    for (std::size_t next = 0; next < messages.size();) {
        std::vector<redis_args> commands;
        std::size_t bytes = 0;
        const auto now = system_clock().now().time_since_epoch().count();
        for (; next < messages.size() && commands.size() < append_commands && bytes < append_bytes; ++next) {
            bytes += size_of(messages[next]);
            commands.push_back(schema::append_args(messages[next], now));
            messages[next] = {};
        }
        const auto answers = co_await core->connection->pipeline(std::move(commands));
        if (!answers) co_return answers.error();
        for (const auto& answer : *answers) {
            if (answer.type == redis_reply::kind::error)
                co_return failure{errc::refused, answer.text, "event log on Redis", ""};
            const auto offset = schema::offset_of(answer.text);
            if (!offset) co_return offset.error();
            offsets.push_back(*offset);
        }
    }
    co_return offsets;
}

std::unique_ptr<log_consumer> redis_log::subscribe(const std::string& group,
                                                   std::vector<std::string> topics) {
    return std::make_unique<redis_consumer>(core_, group, std::move(topics), true);
}

std::unique_ptr<log_consumer> redis_log::broadcast(std::vector<std::string> topics, bool from_start) {
    return std::make_unique<redis_consumer>(core_, "", std::move(topics), from_start);
}

asio::awaitable<result<std::vector<log_record>>> redis_log::read(topic_partition partition, std::int64_t from,
                                                                 std::size_t at_most) {
    const auto core = core_;
    const auto count = co_await core->partitions_of(partition.topic);
    if (!count) co_return count.error();
    if (partition.partition < 0 || partition.partition >= *count)
        co_return no_such_partition(partition, *count);
    if (at_most == 0) co_return std::vector<log_record>();
    auto answer = co_await core->connection->eval(read_script(), {schema::stream_key(partition)},
                                                  {std::to_string(std::max<std::int64_t>(from, 0)),
                                                   std::to_string(std::min(at_most, read_records)),
                                                   std::to_string(read_bytes)});
    if (!answer) co_return answer.error();
    std::vector<log_record> records;
    records.reserve(answer->items.size());
    for (auto& entry : answer->items) {
        auto record = schema::record_of(partition, std::move(entry));
        if (!record) co_return record.error();
        records.push_back(std::move(*record));
    }
    co_return records;
}

asio::awaitable<result<std::vector<std::int64_t>>> redis_log::end_offsets(std::string topic) {
    const auto core = core_;
    const auto count = co_await core->partitions_of(topic);
    if (!count) co_return count.error();
    co_return co_await core->ends_of(partitions(topic, *count));
}

asio::awaitable<result<std::vector<std::int64_t>>> redis_log::stored_offsets(std::string group,
                                                                             std::string topic) {
    const auto core = core_;
    const auto count = co_await core->partitions_of(topic);
    if (!count) co_return count.error();
    co_return co_await core->stored_by(group, partitions(topic, *count));
}

asio::awaitable<void> redis_log::close() {
    core_->close();
    core_->connection->close();
    co_return;
}

asio::awaitable<result<std::int64_t>> redis_log::trim(wall_time now) {
    co_return co_await trim_redis_log(core_, now);
}

} // namespace zhida::io
