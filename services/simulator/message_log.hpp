// Every message that a simulator took, in memory and, where a file is named, as one JSON line each that is
// written before the message is answered: a test that kills the process can still count.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::simulator {

// One line, and one element of GET /sim/messages. `more` are the channel's own members, merged into it:
//   sms     text (of this part), src_id, part, parts, udh_ref; protocol "smpp" where it came by that
//   wechat  data, url, template_id, client_msg_id
struct message {
    std::int64_t time_ms = 0; // milliseconds since 1970 UTC
    std::string channel, to, id;
    json more = json::object();
};
json to_json(const message& m);
// False for what is no such line.
bool from_json(const json& line, message& out);

struct message_filter {
    std::string channel, to; // empty: any
    std::int64_t since_ms = 0;
};

class message_log {
  public:
    // Reads what an earlier run recorded, so that a restarted simulator still knows it; a torn last line is
    // left out and cut off.
    result<void> open(const std::string& file);
    ~message_log();
    message_log() = default;
    message_log(const message_log&) = delete;
    message_log& operator=(const message_log&) = delete;

    // Failure io: it could not be written; then it must not be answered as taken.
    result<void> add(message m);
    const std::vector<message>& all() const noexcept { return messages_; }
    std::vector<message> find(const message_filter& f) const;
    result<void> clear();

  private:
    std::vector<message> messages_;
    std::string file_;
    int fd_ = -1;
};

// SMS parts of the same text become one message: text joined, `parts` of it, `ids` of all; parts whose others
// are missing stay as they are. In the order of the first part.
std::vector<message> assembled(const std::vector<message>& parts);

} // namespace zhida::simulator
