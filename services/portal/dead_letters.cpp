#include "services/portal/dead_letters.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "common/io/http_decode.hpp"
#include "common/io/timer.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

namespace zhida::portal {

namespace {

constexpr std::size_t excerpt_bytes = 400;

std::string text_of(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

// The first bytes of the buried value, as text; personal data is masked by not being shown: profiles are not
// quoted.
std::string excerpt(const json& data) {
    if (text_of(data, "topic") == topics::profile) return "";
    const auto value = crypto::from_base64(text_of(data, "value_base64"));
    if (!value) return "";
    auto text = value->substr(0, excerpt_bytes);
    while (!text.empty() && !valid_utf8(text) && text.size() + 4 > excerpt_bytes) text.pop_back();
    return valid_utf8(text) ? text : "";
}

} // namespace

void dead_letters::add(const io::log_record& record) {
    total_ = record.offset + 1;
    json line = {{"at", to_rfc3339(wall_time(milliseconds(record.timestamp_ms)))}, {"offset", record.offset}};
    const auto event = decode_event(record.headers, record.value);
    if (event && event->data.is_object()) { // anybody may write to the topic
        const auto& data = event->data;
        line["topic"] = text_of(data, "topic");
        line["key"] = text_of(data, "topic") == topics::profile ? log::masked(text_of(data, "key"))
                                                                : text_of(data, "key");
        line["by"] = event->source;
        line["partition"] = data.value("partition", json());
        line["record_offset"] = data.value("offset", json());
        line["bytes"] = data.value("bytes", json());
        line["errors"] = data.value("errors", json::array());
        line["excerpt"] = excerpt(data);
    } else {
        line["topic"] = topics::dead_letter;
        const auto* what = event ? "not a dead letter of ours" : event.error().what.c_str();
        line["errors"] = json::array({{{"what", what}, {"where", ""}, {"fix", ""}}});
    }
    kept_.push_front(std::move(line));
    if (kept_.size() > most) kept_.pop_back();
}

json dead_letters::newest(std::size_t limit) const {
    json out = json::array();
    for (const auto& line : kept_) {
        if (out.size() >= limit) break;
        out.push_back(line);
    }
    return out;
}

asio::awaitable<void> dead_letters::follow(const clock& time, io::event_log& log,
                                           io::log_consumer& consumer) {
    while (true) {
        auto event = co_await consumer.next();
        if (!event) {
            if (event.error().code == errc::cancelled) co_return;
            const auto there = co_await log.end_offsets(topics::dead_letter);
            if (there || there.error().code != errc::not_found) // the topic is made while we start
                log::warn("portal_dead_letters_unreadable", {{"error", event.error().text()}});
            co_await io::sleep_for(time, milliseconds(1000));
            continue;
        }
        if (const auto* got = std::get_if<io::assigned>(&*event)) {
            const auto ends = co_await log.end_offsets(topics::dead_letter);
            if (!ends) continue;
            for (const auto& p : got->partitions) {
                const auto end = static_cast<std::size_t>(p.partition) < ends->size()
                                     ? (*ends)[static_cast<std::size_t>(p.partition)]
                                     : 0;
                const auto window = static_cast<std::int64_t>(most);
                if (end > window) consumer.seek(p, end - window);
            }
        } else if (const auto* records = std::get_if<std::vector<io::log_record>>(&*event)) {
            for (const auto& r : *records)
                // A place that was read already comes again after a lost connection.
                if (r.offset >= total_) add(r);
        }
    }
}

} // namespace zhida::portal
