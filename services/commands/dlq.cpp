// zhida dlq list, show NUMBER, replay NUMBER...: what could not be read, and handing it in again.
#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/model/topics.hpp"
#include "services/commands.hpp"
#include "services/letters.hpp"
#include "services/run_once.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <functional>
#include <iostream>
#include <set>

namespace zhida::commands {

namespace {

namespace asio = boost::asio;

// A reading of the topic: where nothing comes any more although its end is not reached (what was there has
// expired, or cannot be read), it is over.
struct reading {
    steady_time last;
    bool over = false;
};

asio::awaitable<void> end_when_idle(const clock& time, std::shared_ptr<reading> r,
                                    std::shared_ptr<io::log_consumer> consumer) {
    while (!r->over && time.steady_now() - r->last < milliseconds(3000))
        co_await io::sleep_for(time, milliseconds(100));
    if (!r->over) co_await consumer->close();
}

// Calls for each letter that the log still has, oldest first; those of strangers are named on standard error.
asio::awaitable<result<void>> each_letter(io::event_log& log, std::function<void(dead_letter)> take) {
    const auto ends = co_await log.end_offsets(topics::dead_letter);
    if (!ends) co_return ends.error();
    const auto end = ends->empty() ? 0 : ends->front();
    const system_clock time;
    auto r = std::make_shared<reading>(reading{time.steady_now()});
    const std::shared_ptr<io::log_consumer> consumer = log.broadcast({topics::dead_letter}, true);
    asio::co_spawn(co_await asio::this_coro::executor, end_when_idle(time, r, consumer), asio::detached);
    result<void> outcome;
    for (std::int64_t next = 0; next < end;) {
        auto event = co_await consumer->next();
        r->last = time.steady_now();
        if (!event) {
            if (event.error().code != errc::cancelled) outcome = event.error();
            break;
        }
        const auto* records = std::get_if<std::vector<io::log_record>>(&*event);
        if (!records) continue;
        for (const auto& record : *records) {
            next = record.offset + 1;
            if (record.offset >= end) break;
            auto letter = read_letter(record);
            if (letter)
                take(std::move(*letter));
            else
                std::cerr << "zhida dlq: " << for_terminal(letter.error().text()) << "\n";
        }
    }
    r->over = true;
    co_await consumer->close();
    co_return outcome;
}

// Keys of profiles are people.
std::string key_of(const dead_letter& l) {
    return l.message.topic == topics::profile ? log::masked(l.message.key) : l.message.key;
}

std::string buried_at(const dead_letter& l) {
    return to_rfc3339(wall_time(milliseconds(l.buried_ms)));
}

json to_json(const dead_letter& l) {
    json errors = json::array();
    for (const auto& e : l.errors) errors.push_back({{"where", e.where}, {"what", e.what}, {"fix", e.fix}});
    return {{"number", l.number},
            {"buried_at", buried_at(l)},
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
    std::cout << l.number << "  " << buried_at(l) << "  " << for_terminal(l.by) << "  "
              << for_terminal(l.message.topic) << "/" << l.message.partition << "/" << l.offset << "  "
              << for_terminal(key_of(l)) << "  " << l.bytes << " 字节\n";
    for (const auto& e : l.errors) std::cout << "    " << for_terminal(e.text()) << "\n";
}

void print_whole(const dead_letter& l) {
    print(l);
    for (const auto& [name, value] : l.message.headers)
        std::cout << "    " << for_terminal(name) << ": " << for_terminal(value) << "\n";
    if (const auto may = may_replay(l); !may)
        std::cout << "    不能重新提交：" << for_terminal(may.error().text()) << "\n";
    if (l.message.topic == topics::profile)
        std::cout << "    内容是主体资料，不在此显示\n";
    else
        std::cout << for_terminal(l.message.value) << "\n";
}

failure no_letter(std::int64_t number) {
    return {errc::not_found, "没有编号为 " + std::to_string(number) + " 的信件", "zhida.deadletter",
            "用 zhida dlq list 查看"};
}

asio::awaitable<result<void>> list(io::event_log& log, bool as_json) {
    json all = json::array();
    std::size_t count = 0;
    auto read = co_await each_letter(log, [&](dead_letter l) {
        ++count;
        if (as_json)
            all.push_back(to_json(l));
        else
            print(l);
    });
    if (!read) co_return read.error();
    if (as_json)
        std::cout << zhida::to_text(all) << "\n";
    else
        std::cout << "共 " << count << " 封信件\n";
    co_return result<void>{};
}

asio::awaitable<result<std::vector<dead_letter>>> letters_of(io::event_log& log,
                                                             std::set<std::int64_t> numbers) {
    std::vector<dead_letter> found;
    auto read = co_await each_letter(log, [&](dead_letter l) {
        if (numbers.erase(l.number) != 0) found.push_back(std::move(l));
    });
    if (!read) co_return read.error();
    if (!numbers.empty()) co_return no_letter(*numbers.begin());
    co_return found;
}

// Nothing is handed in where one of them cannot be.
asio::awaitable<result<void>> replay(io::event_log& log, std::set<std::int64_t> numbers) {
    auto letters = co_await letters_of(log, std::move(numbers));
    if (!letters) co_return letters.error();
    std::vector<io::log_message> messages;
    for (auto& l : *letters) {
        if (auto may = may_replay(l); !may) co_return may.error();
        print(l);
        messages.push_back(std::move(l.message));
    }
    const auto count = messages.size();
    auto appended = co_await log.append_all(std::move(messages));
    if (!appended) co_return appended.error();
    std::cout << "已重新提交 " << count << " 封\n";
    co_return result<void>{};
}

asio::awaitable<result<void>> work(asio::any_io_executor executor, options o, dlq_act act,
                                   std::vector<std::int64_t> numbers) {
    auto log = io::make_event_log(executor, o.settings);
    result<void> done;
    const std::set<std::int64_t> wanted(numbers.begin(), numbers.end());
    if (act == dlq_act::list) {
        done = co_await list(*log, o.json);
    } else if (act == dlq_act::replay) {
        done = co_await replay(*log, wanted);
    } else if (auto letters = co_await letters_of(*log, wanted); !letters) {
        done = letters.error();
    } else {
        for (const auto& l : *letters) print_whole(l);
    }
    co_await log->close();
    co_return done;
}

} // namespace

int dlq(const options& o, dlq_act act, const std::vector<std::int64_t>& numbers) {
    const auto done = run_once<result<void>>([&](auto executor) { return work(executor, o, act, numbers); });
    if (done) return 0;
    std::cerr << "zhida dlq: " << for_terminal(done.error().text()) << "\n";
    return 1;
}

} // namespace zhida::commands
