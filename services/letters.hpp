// Letters of zhida.deadletter read back: what could not be read, why, and how to hand it in again. Pure.
#pragma once

#include "common/io/event_log.hpp"
#include "common/model/cloud_event.hpp"

#include <string>
#include <string_view>

namespace zhida {

struct dead_letter {
    std::int64_t number = 0; // its offset in zhida.deadletter: what an operator names it by
    std::int64_t buried_ms = 0;
    std::string by;          // the role that buried it, "/zhida/matcher"
    io::log_message message; // the record as it came
    std::int64_t offset = 0; // where it stood in its topic
    std::size_t bytes = 0;
    bool whole = false; // false: the record was too large to be kept, `message` holds its beginning
    std::vector<failure> errors;
};

// Anybody may write to the topic. invalid: not a letter of ours.
result<dead_letter> read_letter(const io::log_record& record);

// Whether it can be handed in again, as it came: a whole record, of a topic that Zhida reads. invalid: says
// why not.
result<void> may_replay(const dead_letter& letter);

// Foreign text for a terminal: control characters, which would steer it, become spaces; line ends and tabs
// stay.
std::string for_terminal(std::string_view text);

} // namespace zhida
