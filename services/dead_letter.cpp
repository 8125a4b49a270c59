#include "services/dead_letter.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "common/model/topics.hpp"

namespace zhida {

namespace {

// At most so many bytes, without control characters, which JSON would write six times as long.
std::string printable(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    out.resize(valid_utf8_prefix(out));
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

} // namespace

boost::asio::awaitable<result<void>> bury(io::event_log& log, io::log_record record,
                                          std::vector<failure> errors, std::string by, std::string time) {
    // The record is kept whole, so that it can be mended and replayed; half a megabyte is more than any good
    // one.
    constexpr auto most = letter_limits::value;
    // So are some tens of reasons and headers; a letter that the log refuses for its size would stop
    // everything.
    const auto cut = [](std::string_view text) { return printable(text, 500); };
    json reasons = json::array();
    for (const auto& e : errors)
        if (reasons.size() < 50)
            reasons.push_back({{"where", cut(e.where)}, {"what", cut(e.what)}, {"fix", cut(e.fix)}});
    json headers = json::array();
    for (const auto& [name, value] : record.headers)
        if (headers.size() < letter_limits::headers)
            headers.push_back(
                {printable(name, letter_limits::header_name), printable(value, letter_limits::header)});
    const auto key = printable(record.key, letter_limits::key);
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
                  {"errors_found", errors.size()},
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
