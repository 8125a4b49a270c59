#include "services/dead_letter.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/model/topics.hpp"

namespace zhida {

boost::asio::awaitable<result<void>> bury(io::event_log& log, io::log_record record,
                                          std::vector<failure> errors, std::string by, std::string time) {
    // The record is kept whole, so that it can be mended and replayed; half a megabyte is more than any good
    // one.
    constexpr std::size_t most = 512 << 10;
    json reasons = json::array();
    for (const auto& e : errors) reasons.push_back({{"where", e.where}, {"what", e.what}, {"fix", e.fix}});
    json headers = json::array();
    for (const auto& [name, value] : record.headers)
        if (headers.size() < 64) headers.push_back({name.substr(0, 256), value.substr(0, 4096)});
    const auto key = record.key.substr(0, 1024);
    const bool whole = record.value.size() <= most;

    cloud_event event;
    // The same record buried twice, after a crash, has the same id.
    event.id = record.topic + "/" + std::to_string(record.partition) + "/" + std::to_string(record.offset);
    event.source = "/zhida/" + by;
    event.type = event_type::dead_letter;
    event.subject = key;
    event.time = std::move(time);
    event.data = {{"topic", record.topic},
                  {"partition", record.partition},
                  {"offset", record.offset},
                  {"timestamp_ms", record.timestamp_ms},
                  {"key", key},
                  {"errors", reasons},
                  {"headers", headers},
                  {"bytes", record.value.size()},
                  {"whole", whole},
                  {"value_base64", crypto::base64(whole ? record.value : record.value.substr(0, most))}};
    auto encoded = encode_event(event);
    log::warn("event buried", {{"topic", record.topic},
                               {"partition", record.partition},
                               {"offset", record.offset},
                               {"why", errors.empty() ? "" : errors.front().text()}});
    auto kept = co_await log.append({topics::dead_letter, 0, key, std::move(encoded.value), encoded.headers});
    if (!kept) co_return kept.error();
    co_return result<void>{};
}

} // namespace zhida
