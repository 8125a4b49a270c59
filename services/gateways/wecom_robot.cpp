#include "services/gateways/wecom_robot.hpp"

#include "common/base/json.hpp"
#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "common/io/http_client.hpp"
#include "common/io/spawn.hpp"
#include "services/gateways/wake_up.hpp"
#include "services/gateways/wecom_answer.hpp"
#include "services/gateways/wecom_codes.hpp"
#include "services/gateways/wecom_text.hpp"

#include <algorithm>
#include <utility>

namespace zhida::gateways {

namespace {

constexpr std::size_t most_a_minute = 20;
constexpr milliseconds minute{60'000};
constexpr int most_tries = 4;
constexpr std::string_view between = "\n\n";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool valid_key(std::string_view key) {
    return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

std::string how_many_more(std::size_t n) {
    return "还有 " + std::to_string(n) + " 条消息未列出";
}

} // namespace

result<std::map<std::string, std::string>> parse_robots(std::string_view text) {
    std::map<std::string, std::string> robots;
    const auto wrong = [](int entry, const std::string& what, std::string fix) {
        return failure{errc::invalid, "entry " + std::to_string(entry) + " of wecom.robots " + what,
                       "wecom.robots", std::move(fix)};
    };
    if (trimmed(text).empty()) return robots;
    int entry = 0;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        const auto part = trimmed(text.substr(at, end - at));
        at = end + 1;
        ++entry;
        if (part.empty() && at > text.size()) break; // a comma behind the last
        const auto equals = part.find('=');
        if (equals == std::string_view::npos)
            return wrong(entry, "has no =", "write DEPARTMENT=KEY, comma-separated");
        const auto department = trimmed(part.substr(0, equals)), key = trimmed(part.substr(equals + 1));
        if (department.empty()) return wrong(entry, "names no department", "write * for the operators");
        if (!valid_utf8(department)) return wrong(entry, "is not UTF-8", "");
        if (!valid_key(key))
            return wrong(entry, "has no key that a robot can have, for " + std::string(department),
                         "it is what stands behind key= in the robot's webhook address");
        if (!robots.emplace(department, key).second)
            return wrong(entry, "is the second for " + std::string(department), "a department has one robot");
    }
    return robots;
}

std::string robot_markdown(std::string_view text) {
    return to_text(
        {{"msgtype", "markdown"}, {"markdown", {{"content", cut_to_bytes(text, most_robot_markdown)}}}});
}

std::string robot_text(std::string_view text, const std::vector<std::string>& mentioned) {
    json body = {{"msgtype", "text"}, {"text", {{"content", cut_to_bytes(text, most_robot_text)}}}};
    if (!mentioned.empty()) body["text"]["mentioned_list"] = mentioned;
    return to_text(body);
}

std::size_t robot_queue::put(std::string text) {
    waiting_.push_back(std::move(text));
    if (waiting_.size() <= most_) return 0;
    waiting_.pop_front();
    ++left_out_;
    return 1;
}

robot_queue::message robot_queue::take(std::size_t most_bytes) {
    message m;
    m.left_out = std::exchange(left_out_, 0);
    const auto words_of_more = between.size() + how_many_more(m.left_out + waiting_.size()).size();
    std::size_t bytes = 0, first = waiting_.size();
    while (first > 0) {
        const auto with = bytes + (bytes > 0 ? between.size() : 0) + waiting_[first - 1].size();
        const bool last = first == 1 && m.left_out == 0; // then nobody needs to be told of more
        if (bytes > 0 && with + (last ? 0 : words_of_more) > most_bytes) break;
        bytes = with;
        --first;
    }
    m.left_out += first;
    m.holds = waiting_.size() - first;
    for (auto i = first; i < waiting_.size(); ++i)
        m.text.append(m.text.empty() ? "" : between).append(waiting_[i]);
    if (m.left_out > 0) {
        m.text = cut_to_bytes(m.text, most_bytes - std::min(most_bytes, words_of_more));
        m.text.append(between).append(how_many_more(m.left_out));
    } else {
        m.text = cut_to_bytes(m.text, most_bytes);
    }
    waiting_.clear();
    return m;
}

void robot_queue::put_back(message m) {
    if (waiting_.size() < most_)
        waiting_.push_front(std::move(m.text));
    else
        left_out_ += m.holds + m.left_out;
}

struct wecom_robot::impl : std::enable_shared_from_this<wecom_robot::impl> {
    impl(asio::any_io_executor ex, const clock& c, const wecom_config& s, std::string n, std::string k,
         counter count_)
        : executor(ex), time(c), http(ex, options_of(s)), name(std::move(n)), key(std::move(k)),
          count(std::move(count_)), wake(ex) {}
    static io::http_client_options options_of(const wecom_config& s) {
        io::http_client_options o;
        o.base_url = s.base_url;
        o.connections = 1;
        o.timeout = std::chrono::milliseconds(s.timeout_ms);
        o.ca_file = s.ca_file;
        return o;
    }

    asio::any_io_executor executor;
    const clock& time;
    io::http_client http;
    std::string name, key;
    counter count;
    wake_up wake;
    robot_queue queue;
    std::deque<steady_time> sent; // of the last minute
    bool talking = false, closed = false;

    // What one try says of the message.
    struct outcome {
        const char* end = nullptr; // as the counter's; null: another try
        milliseconds pause{0};
        std::string why;
    };
    static asio::awaitable<void> talk(std::shared_ptr<impl> self);
    static asio::awaitable<outcome> send(std::shared_ptr<impl> self, std::string body);
    asio::awaitable<void> pause(milliseconds at_most) {
        const auto until = time.steady_now() + at_most;
        while (!closed && time.steady_now() < until)
            co_await wake.wait_at_most(time, until - time.steady_now());
    }
    milliseconds until_free() {
        const auto now = time.steady_now();
        while (!sent.empty() && now - sent.front() > minute) sent.pop_front();
        return sent.size() < most_a_minute ? milliseconds(0) : sent.front() + minute - now + milliseconds(1);
    }
};

asio::awaitable<wecom_robot::impl::outcome> wecom_robot::impl::send(std::shared_ptr<impl> self,
                                                                    std::string body) {
    // The end of the exchange is when it may have been counted at the latest.
    const auto reply =
        co_await self->http.request("POST", "/cgi-bin/webhook/send?key=" + self->key,
                                    {{"content-type", "application/json; charset=utf-8"}}, std::move(body));
    self->sent.push_back(self->time.steady_now());
    if (!reply) {
        if (reply.error().code == errc::timeout) co_return outcome{"unknown", {}, reply.error().what};
        co_return outcome{nullptr, milliseconds(5000), reply.error().what};
    }
    if (reply->status != 200) {
        const auto why = "HTTP " + std::to_string(reply->status);
        co_return reply->status >= 500 ? outcome{"unknown", {}, why} : outcome{"refused", {}, why};
    }
    const auto a = read_wecom_answer(*reply, {self->key});
    if (!a) co_return outcome{"unknown", {}, a.error().what};
    if (a->errcode == 0) co_return outcome{"sent", {}, ""};
    const auto& reaction = wecom_reaction_to(a->errcode);
    const auto why = "wecom:" + std::to_string(a->errcode) + " " + reaction.words + ": " + a->errmsg;
    if (reaction.then == wecom_reaction::next::slow_down) co_return outcome{nullptr, minute, why};
    if (reaction.outcome == send_outcome::retry)
        co_return outcome{nullptr, milliseconds(reaction.retry_after_ms), why};
    co_return outcome{"refused", {}, why};
}

asio::awaitable<void> wecom_robot::impl::talk(std::shared_ptr<impl> self) {
    struct guard {
        impl& of;
        ~guard() { of.talking = false; }
    } const now{*self};
    int tries = 0;
    while (!self->closed && !self->queue.empty()) {
        if (const auto wait = self->until_free(); wait.count() > 0) {
            co_await self->pause(wait);
            continue;
        }
        auto m = self->queue.take();
        const auto end = co_await send(self, robot_markdown(m.text));
        if (!end.end && ++tries < most_tries && !self->closed) {
            self->queue.put_back(std::move(m));
            co_await self->pause(end.pause);
            continue;
        }
        tries = 0;
        self->count(end.end ? end.end : "failed", m.holds);
        if (!end.why.empty()) log::warn("robot_message", {{"robot", self->name}, {"why", end.why}});
    }
}

wecom_robot::wecom_robot(asio::any_io_executor executor, const clock& time, const wecom_config& settings,
                         std::string name, std::string key, counter count)
    : impl_(std::make_shared<impl>(executor, time, settings, std::move(name), std::move(key),
                                   std::move(count))) {}
wecom_robot::~wecom_robot() {
    close();
}

void wecom_robot::say(std::string markdown) {
    if (impl_->closed) return;
    if (const auto dropped = impl_->queue.put(std::move(markdown))) impl_->count("dropped", dropped);
    if (!std::exchange(impl_->talking, true)) io::spawn(impl_->executor, impl::talk(impl_));
}

void wecom_robot::close() {
    impl_->closed = true;
    impl_->http.close();
    impl_->wake.notify();
}

} // namespace zhida::gateways
