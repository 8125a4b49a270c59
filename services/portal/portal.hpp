// The portal role: HTTP API, pages, live streams, health and metrics, on one port.
#pragma once

#include "services/portal/context.hpp"

#include <memory>

namespace zhida::portal {

class portal {
  public:
    // The executor's thread is the portal's own; everything here is called on it.
    portal(asio::any_io_executor executor, portal_parts parts);
    ~portal();
    // Reads templates, assets and samples, creates missing topics' consumers, listens. Failure: says what to
    // do.
    result<void> start();
    std::uint16_t port() const noexcept;
    // Serves until stop(); start() must have succeeded.
    asio::awaitable<void> run();
    // Stops accepting, ends live streams, lets requests under way finish.
    void stop();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::portal
