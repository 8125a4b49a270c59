// Work that must not be skipped: tried again until it is done, because the other side will be back.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "common/base/log.hpp"
#include "common/io/timer.hpp"

#include <algorithm>

namespace zhida {

// True where trying again may help: nothing was wrong with what was asked. A server that refuses is full, is
// starting, has lost its replicas or its password: somebody will mend it; but a command that it does not
// understand is our mistake.
inline bool passing(const failure& f) noexcept {
    if (f.code == errc::refused) {
        for (const char* ours : {"WRONGTYPE", "NOSCRIPT", "ERR "})
            if (f.what.find(ours) != std::string::npos)
                return f.what.find("max number of clients") != std::string::npos;
        return true;
    }
    return f.code == errc::unavailable || f.code == errc::timeout || f.code == errc::exhausted ||
           f.code == errc::io;
}

// attempt() gives an awaitable<result<T>>; it is called until it succeeds, fails for good, or `stopping` is
// true (then cancelled). Waits 0.1 s, doubling to 2 s, and says in the log why.
template <class Attempt>
auto persist(const clock& c, const bool& stopping, std::string what, Attempt attempt) -> decltype(attempt()) {
    auto wait = milliseconds(100);
    while (true) {
        auto outcome = co_await attempt();
        if (outcome || !passing(outcome.error())) co_return outcome;
        if (stopping) co_return failure{errc::cancelled, what + " was stopped", "", ""};
        log::warn("trying again",
                  {{"doing", what}, {"why", outcome.error().text()}, {"wait_ms", wait.count()}});
        co_await io::sleep_for(c, wait);
        wait = std::min(wait * 2, milliseconds(2000));
    }
}

} // namespace zhida
