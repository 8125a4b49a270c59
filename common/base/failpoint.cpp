#include "common/base/failpoint.hpp"

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace zhida::failpoint {

namespace {

struct order {
    std::string name;
    long turn = 0; // 0: nothing is asked for
    enum class effect { kill, stop, wait } what = effect::kill;
    long wait_ms = 0;
};

[[noreturn]] void refuse(const char* text,
                         const char* why = "not name:turn, name:turn:stop or name:turn:wait=MS") {
    std::fprintf(stderr, "ZHIDA_FAILPOINT '%s': %s\n", text, why);
    std::_Exit(2);
}

bool number(std::string_view text, long& to) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), to);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() && to > 0;
}

order read_order() {
    const char* text = std::getenv("ZHIDA_FAILPOINT");
    if (!text || !*text) return {};
    std::string_view all = text;
    order o;
    const auto colon = all.find(':');
    if (colon == std::string_view::npos) refuse(text);
    o.name = all.substr(0, colon);
    all.remove_prefix(colon + 1);
    const auto effect = all.find(':');
    if (!number(all.substr(0, effect), o.turn)) refuse(text);
    if (effect != std::string_view::npos) {
        const auto what = all.substr(effect + 1);
        if (what == "stop")
            o.what = order::effect::stop;
        else if (what.starts_with("wait=") && number(what.substr(5), o.wait_ms))
            o.what = order::effect::wait;
        else
            refuse(text);
    }
    if (!known(o.name)) refuse(text, "no step of that name; zhida failpoints lists them");
    return o;
}

const order& asked() {
    static const order once = read_order();
    return once;
}

} // namespace

void check_order() {
    asked();
}

void hit(std::string_view name) {
    static std::atomic<long> times{0}; // roles have threads of their own
    const auto& o = asked();
    if (o.turn == 0 || name != o.name || ++times != o.turn) return;
    if (o.what == order::effect::kill) std::raise(SIGKILL);
    if (o.what == order::effect::stop) std::raise(SIGSTOP);
    if (o.what == order::effect::wait) std::this_thread::sleep_for(std::chrono::milliseconds(o.wait_ms));
}

} // namespace zhida::failpoint
