#include "common/base/process_identity.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace zhida {

namespace {

std::string first_line(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

// Clock ticks from boot to the start of the process (proc(5), /proc/pid/stat, field 22); empty where it is
// gone.
std::string start_time(const std::string& pid) {
    const auto line = first_line("/proc/" + pid + "/stat");
    // The second field is the name in parentheses, which may hold anything.
    const auto end = line.rfind(')');
    if (end == std::string::npos) return "";
    std::istringstream rest(line.substr(end + 1));
    std::string word;
    for (int field = 3; field <= 22; ++field) rest >> word;
    return word;
}

// This machine since its last start, and within it the set of pids that we see.
std::string world() {
    std::array<char, 64> link{};
    const auto size = ::readlink("/proc/self/ns/pid", link.data(), link.size());
    return first_line("/proc/sys/kernel/random/boot_id") + "/" +
           std::string(link.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
}

struct parts {
    std::string world, pid, started;
};

bool split(std::string_view identity, parts& out) {
    std::vector<std::string> words(1);
    for (const char c : identity) {
        if (c == '/')
            words.emplace_back();
        else
            words.back() += c;
    }
    if (words.size() != 4 || words[2].empty()) return false;
    for (const char c : words[2])
        if (c < '0' || c > '9') return false;
    out = {words[0] + "/" + words[1], words[2], words[3]};
    return true;
}

} // namespace

std::string process_identity() {
    const auto pid = std::to_string(::getpid());
    return world() + "/" + pid + "/" + start_time(pid);
}

process_state state_of(std::string_view identity) {
    parts p;
    if (!split(identity, p) || p.world != world()) return process_state::unknown;
    return start_time(p.pid) == p.started ? process_state::alive : process_state::dead;
}

std::string describe_process(std::string_view identity) {
    parts p;
    if (!split(identity, p) || p.world != world()) return "a process of another machine or container";
    return "process " + p.pid + " of this machine";
}

} // namespace zhida
