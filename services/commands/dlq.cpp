// zhida dlq list, zhida dlq replay NUMBER...: what could not be read, and handing it in again.
#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/model/topics.hpp"
#include "services/commands.hpp"
#include "services/letters.hpp"
#include "services/run_once.hpp"

#include <iostream>
#include <set>

namespace zhida::commands {

namespace {

namespace asio = boost::asio;

// Every letter that the log still has, oldest first; those of strangers are named on standard error.
asio::awaitable<result<std::vector<dead_letter>>> read_all(io::event_log& log) {
    const auto ends = co_await log.end_offsets(topics::dead_letter);
    if (!ends) co_return ends.error();
    const auto end = ends->empty() ? 0 : ends->front();
    std::vector<dead_letter> letters;
    std::int64_t next = 0;
    auto consumer = log.broadcast({topics::dead_letter}, true);
    while (next < end) {
        auto event = co_await consumer->next();
        if (!event) {
            co_await consumer->close();
            co_return event.error();
        }
        const auto* records = std::get_if<std::vector<io::log_record>>(&*event);
        if (!records) continue;
        for (const auto& r : *records) {
            next = r.offset + 1;
            if (r.offset >= end) break;
            auto letter = read_letter(r);
            if (letter)
                letters.push_back(std::move(*letter));
            else
                std::cerr << "zhida dlq: " << letter.error().text() << "\n";
        }
    }
    co_await consumer->close();
    co_return letters;
}

// Keys of profiles are people.
std::string key_of(const dead_letter& l) {
    return l.message.topic == topics::profile ? log::masked(l.message.key) : l.message.key;
}

json to_json(const dead_letter& l) {
    json errors = json::array();
    for (const auto& e : l.errors) errors.push_back({{"where", e.where}, {"what", e.what}, {"fix", e.fix}});
    return {{"number", l.number},
            {"buried_at", to_rfc3339(wall_time(milliseconds(l.buried_ms)))},
            {"by", l.by},
            {"topic", l.message.topic},
            {"partition", l.message.partition},
            {"offset", l.offset},
            {"key", key_of(l)},
            {"bytes", l.bytes},
            {"can_be_replayed", may_replay(l).has_value()},
            {"errors", errors}};
}

void print(const dead_letter& l) {
    std::cout << l.number << "  " << to_rfc3339(wall_time(milliseconds(l.buried_ms))) << "  "
              << l.message.topic << "/" << l.message.partition << "/" << l.offset << "  " << key_of(l) << "  "
              << l.bytes << " B\n";
    for (const auto& e : l.errors) std::cout << "    " << e.text() << "\n";
}

// Nothing is handed in where one of them cannot be.
asio::awaitable<result<int>> replay_all(io::event_log& log, std::vector<dead_letter> letters,
                                        std::set<std::int64_t> numbers) {
    std::vector<io::log_message> messages;
    for (auto& l : letters) {
        if (numbers.erase(l.number) == 0) continue;
        if (auto may = may_replay(l); !may) co_return may.error();
        messages.push_back(std::move(l.message));
    }
    if (!numbers.empty())
        co_return failure{errc::not_found, "there is no letter number " + std::to_string(*numbers.begin()),
                          "zhida.deadletter", "zhida dlq list shows what there is"};
    const auto count = static_cast<int>(messages.size());
    auto appended = co_await log.append_all(std::move(messages));
    if (!appended) co_return appended.error();
    co_return count;
}

asio::awaitable<result<int>> work(asio::any_io_executor executor, options o,
                                  std::vector<std::int64_t> numbers) {
    auto log = io::make_event_log(executor, o.settings);
    auto letters = co_await read_all(*log);
    result<int> done = 0;
    if (!letters) {
        done = letters.error();
    } else if (!numbers.empty()) {
        done = co_await replay_all(*log, std::move(*letters), {numbers.begin(), numbers.end()});
    } else if (o.json) {
        json all = json::array();
        for (const auto& l : *letters) all.push_back(to_json(l));
        std::cout << zhida::to_text(all) << "\n";
    } else {
        for (const auto& l : *letters) print(l);
        std::cout << letters->size() << " letters\n";
    }
    co_await log->close();
    co_return done;
}

} // namespace

int dlq(const options& o, const std::vector<std::int64_t>& replay) {
    const auto done = run_once<result<int>>([&](auto executor) { return work(executor, o, replay); });
    if (!done) {
        std::cerr << "zhida dlq: " << done.error().text() << "\n";
        return 1;
    }
    if (!replay.empty()) std::cout << *done << " handed in again\n";
    return 0;
}

} // namespace zhida::commands
