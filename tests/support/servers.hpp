// Real servers for tests: started by tests/support/*.sh on free ports, stopped when the test process ends,
// however it ends. ZHIDA_TEST_REDIS (a URL) and ZHIDA_TEST_KAFKA (brokers) name servers that run already.
#pragma once

#include "tests/support/folders.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace zhida::tests {

// A name that no other test and no earlier run has used.
inline std::string unique(const std::string& prefix) {
    static int count = 0;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return prefix + "-" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) +
           "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

// One server of its own, with its data in a temporary folder.
class server {
  public:
    // kind: "redis" or "kafka".
    explicit server(std::string kind)
        : kind_(std::move(kind)),
          dir_(std::filesystem::temp_directory_path() / unique("zhida-test-" + kind_)) {
        start();
    }
    ~server() {
        script("stop");
        std::error_code ignored; // a temporary folder
        std::filesystem::remove_all(dir_, ignored);
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // redis://127.0.0.1:PORT/0, or 127.0.0.1:PORT for Kafka; the same after a restart.
    const std::string& address() const noexcept { return address_; }

    void start() {
        const auto line = script("start", std::to_string(::getpid()));
        const auto equals = line.find('=');
        if (equals == std::string::npos) throw std::runtime_error(kind_ + " did not start: see above");
        address_ = line.substr(equals + 1);
        while (!address_.empty() && address_.back() == '\n') address_.pop_back();
    }
    void stop() { script("stop"); }
    void kill() { script("kill"); }

  private:
    std::string script(const std::string& verb, const std::string& owner = "") {
        const auto command = "'" + in_source("tests/support/" + kind_ + ".sh") + "' " + verb + " '" +
                             dir_.string() + "' " + owner;
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
        if (!pipe) throw std::runtime_error("cannot run " + command);
        std::string out;
        std::array<char, 256> piece{};
        while (std::fgets(piece.data(), static_cast<int>(piece.size()), pipe.get())) out += piece.data();
        return out;
    }

    std::string kind_, address_;
    std::filesystem::path dir_;
};

// The servers that all tests of this process share; started at the first call.
inline const std::string& redis_url() {
    static const std::string given = std::getenv("ZHIDA_TEST_REDIS") ? std::getenv("ZHIDA_TEST_REDIS") : "";
    if (!given.empty()) return given;
    static const server own("redis");
    return own.address();
}

inline const std::string& kafka_brokers() {
    static const std::string given = std::getenv("ZHIDA_TEST_KAFKA") ? std::getenv("ZHIDA_TEST_KAFKA") : "";
    if (!given.empty()) return given;
    static const server own("kafka");
    return own.address();
}

} // namespace zhida::tests
