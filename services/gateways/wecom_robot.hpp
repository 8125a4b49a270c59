// A robot of a WeCom group: news for people. Its key lets anybody write to the group, so that neither the key
// nor an address that holds it is ever logged or told. Source: developer.work.weixin.qq.com,
// 群机器人配置说明.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

namespace asio = boost::asio;

inline constexpr std::size_t most_robot_markdown = 4096, most_robot_text = 2048; // bytes of UTF-8

// wecom.robots, "DEPARTMENT=KEY, *=KEY": keys by department, "*" being the operators. Failure invalid, which
// names the entry by its number and never shows a key.
inline constexpr const char* operators_robot = "*";
result<std::map<std::string, std::string>> parse_robots(std::string_view text);

// The bodies of webhook/send, cut to what is allowed.
std::string robot_markdown(std::string_view text);
std::string robot_text(std::string_view text, const std::vector<std::string>& mentioned = {});

// What waits for a robot, oldest first: bounded, and said in one message where several wait. Pure.
class robot_queue {
  public:
    explicit robot_queue(std::size_t most = 50) : most_(most) {}
    // How many older ones were dropped for it: 0 or 1.
    std::size_t put(std::string text);
    bool empty() const noexcept { return waiting_.empty(); }
    std::size_t size() const noexcept { return waiting_.size(); }
    struct message {
        std::string text;
        std::size_t holds = 0;    // so many pieces of news
        std::size_t left_out = 0; // and so many that had no room, the oldest: told as 还有 N 条
    };
    // All that waits: the newest that have room, in their order.
    message take(std::size_t most_bytes = most_robot_markdown);
    // Was not sent, and goes before what came since, if there is room.
    void put_back(message m);

  private:
    std::size_t most_;
    std::deque<std::string> waiting_;
    std::size_t left_out_ = 0; // dropped, and not told yet
};

// Used from the executor's thread alone; the clock outlives it. Never waits for anybody.
class wecom_robot {
  public:
    // Called with how many pieces of news ended how: "sent", "unknown" (no answer in time, not repeated),
    // "refused" (by the platform, for good), "failed" (several tries), "dropped" (too many waited).
    using counter = std::function<void(const char* outcome, std::size_t news)>;

    // name: for logs, the department.
    wecom_robot(asio::any_io_executor executor, const clock& time, const wecom_config& settings,
                std::string name, std::string key, counter count);
    ~wecom_robot();
    void say(std::string markdown);
    void close(); // what waits is dropped

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
