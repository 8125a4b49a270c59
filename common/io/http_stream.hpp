// Inside of a live stream: what http_stream::send() fills and the session's writer empties. No Beast here.
#pragma once

#include "common/io/http_server.hpp"

namespace zhida::io {

struct http_stream::state {
    std::size_t max_chunks = 0, max_bytes = 0;
    std::deque<std::shared_ptr<const std::string>> waiting;
    std::size_t waiting_bytes = 0;
    bool closed = false;        // nothing more is taken; what waits is still written
    bool dropped = false;       // the reader was too slow: what waits is thrown away
    std::function<void()> wake; // the writer's; empty once it is gone
};

} // namespace zhida::io
