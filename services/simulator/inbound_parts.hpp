// What somebody writes to our number, as the parts in which a network delivers it, well or badly. Pure.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zhida::simulator {

struct inbound_message {
    std::string phone;   // of the writer, eleven digits
    std::string text;    // UTF-8
    std::string to;      // the number written to; empty: the account's own
    std::string account; // Source_Addr, system_id; empty: the first
    // Of each part, the last one for all that follow: ucs2 | gbk | ascii; empty: ucs2
    std::vector<std::string> formats;
    // Of several parts; nothing: one that was not used lately
    std::optional<std::int64_t> ref;
    bool wide_ref = false; // 16 bits: 06 08 04 instead of 05 00 03
    // Parts, counted from 1, in the order in which they go out: one may be missing, or be there twice. Empty:
    // all in their order
    std::vector<std::int64_t> order;
};

struct inbound_part {
    std::uint8_t Msg_Fmt = 8;
    bool udhi = false;
    std::string content;
    bool operator==(const inbound_part&) const = default;
};

// Failure invalid: no number, no text, a format or a part that is not there, or a text that its format cannot
// say.
result<std::vector<inbound_part>> inbound_parts(const inbound_message& m, std::uint8_t next_ref);

} // namespace zhida::simulator
