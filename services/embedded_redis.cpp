#include "services/embedded_redis.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace zhida {

namespace {

using namespace std::chrono_literals;

failure system_failure(const std::string& what, const std::string& where, const std::string& fix) {
    return {errc::io, what + ": " + std::strerror(errno), where, fix};
}

// A port that was free a moment ago.
std::uint16_t free_port() {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    std::uint16_t port = 0;
    if (::bind(s, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
        ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        port = ntohs(address.sin_port);
    ::close(s);
    return port;
}

bool answers(std::uint16_t port) {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    timeval wait{1, 0};
    ::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    char reply[8] = {};
    const bool ready = ::connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       ::send(s, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                       ::recv(s, reply, sizeof reply - 1, 0) > 0 &&
                       std::strncmp(reply, "+PONG", 5) == 0; // -LOADING until the data is there
    ::close(s);
    return ready;
}

std::string last_lines(const std::string& file) {
    std::ifstream in(file);
    std::string line, last;
    while (std::getline(in, line))
        if (!line.empty()) last = line;
    return last;
}

} // namespace

result<embedded_redis> embedded_redis::start(const std::string& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code)
        return failure{errc::io, "cannot be made: " + code.message(), folder, "choose another data folder"};
    // The server inherits this lock, so it is free only when an earlier server of the folder has ended.
    const auto lock_file = folder + "/lock";
    const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT, 0600);
    if (lock < 0) return system_failure("cannot be written", lock_file, "choose another data folder");
    for (int waited = 0; ::flock(lock, LOCK_EX | LOCK_NB) != 0; ++waited) {
        if (waited == 300) {
            ::close(lock);
            return failure{errc::conflict, "an earlier redis-server still uses the folder", folder,
                           "find it with: pgrep -af redis-server"};
        }
        std::this_thread::sleep_for(100ms);
    }
    const auto port = free_port();
    const auto log_file = folder + "/redis.log";
    const std::vector<std::string> words{
        "redis-server", "--port", std::to_string(port), "--bind", "127.0.0.1", "--dir", folder,
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no", "--logfile",
        "redis.log",
        // Profiles are kept in small hashes: store::keys::profiles.
        "--hash-max-listpack-entries", "512", "--hash-max-listpack-value", "2048",
        // Writing the file anew takes a core while it lasts, and half of that goes into compressing.
        "--rdbcompression", "no", "--auto-aof-rewrite-min-size", "512mb"};
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        ::close(lock);
        return system_failure("no process can be started", "redis-server", "");
    }
    if (pid == 0) {
        ::setpgid(0, 0); // Ctrl-C is for us: it is stopped last
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        std::vector<char*> arguments;
        arguments.reserve(words.size() + 1);
        for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        ::execvp("redis-server", arguments.data());
        ::_exit(127);
    }
    ::close(lock);
    embedded_redis server(pid, port);
    for (int waited = 0; waited < 1200; ++waited) { // two minutes: a large file takes a while to load
        int status = 0;
        if (::waitpid(pid, &status, WNOHANG) == pid) {
            server.pid_ = -1;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                return failure{errc::not_found, "redis-server is not installed", "PATH",
                               "apt-get install redis-server"};
            return failure{
                errc::io, "redis-server ended at once: " + last_lines(log_file), log_file,
                "is the disk full, or the append-only file damaged? redis-check-aof --fix mends its end"};
        }
        if (answers(port)) return server;
        std::this_thread::sleep_for(100ms);
    }
    return failure{errc::timeout, "redis-server did not answer within two minutes", log_file, "see the file"};
}

embedded_redis::embedded_redis(embedded_redis&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), port_(other.port_) {}

embedded_redis::~embedded_redis() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
}

} // namespace zhida
