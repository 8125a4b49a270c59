// A redis-server of our own, for one machine: started with its append-only file in a folder, stopped with us.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace zhida {

class embedded_redis {
  public:
    // Waits until the server answers; its data is loaded then. Starting waits for an earlier server of the
    // folder that is still writing its last. The server ends by itself (SIGTERM) when this thread's process
    // dies.
    static result<embedded_redis> start(const std::string& folder);
    embedded_redis(embedded_redis&& other) noexcept;
    embedded_redis& operator=(embedded_redis&&) = delete;
    // Stops it and waits until everything is on disk.
    ~embedded_redis();

    std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_) + "/0"; }

  private:
    embedded_redis(pid_t pid, std::uint16_t port) : pid_(pid), port_(port) {}
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

} // namespace zhida
