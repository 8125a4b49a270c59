#include "common/io/http_stream.hpp"

namespace zhida::io {

bool http_stream::send(std::string chunk) {
    auto& s = *state_;
    if (s.closed) return false;
    if (s.waiting.size() >= s.max_chunks || s.waiting_bytes + chunk.size() > s.max_bytes) {
        s.closed = s.dropped = true;
        s.waiting.clear();
        s.waiting_bytes = 0;
        if (s.wake) s.wake();
        return false;
    }
    s.waiting_bytes += chunk.size();
    s.waiting.push_back(std::make_shared<const std::string>(std::move(chunk)));
    if (s.wake) s.wake();
    return true;
}

bool http_stream::open() const noexcept {
    return !state_->closed;
}

void http_stream::close() {
    if (state_->closed) return;
    state_->closed = true;
    if (state_->wake) state_->wake();
}

} // namespace zhida::io
