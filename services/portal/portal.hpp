// The portal role: HTTP API, pages, live streams, health and metrics, on one port.
#pragma once

#include "services/portal/context.hpp"

#include <memory>

namespace zhida::portal {

class portal {
  public:
    // The executor's thread is the portal's own; everything here is called on it, or before it runs. References
    // must outlive it. Templates, assets, samples and openapi.json are read from config_folder().
    portal(asio::any_io_executor executor, const config& settings, const matching::catalogue& catalogue,
           const crypto::sealer& sealer, const clock& time, std::shared_ptr<prometheus::Registry> registry);
    ~portal();
    // Says why the process as a whole is not ready (empty: it is), for /readyz. Called on the portal's thread.
    void set_not_ready(std::function<std::vector<std::string>()> reasons);
    // Reads its files and listens; the port. Failure: says what to do.
    result<std::uint16_t> listen();
    // Serves until stop(); listen() must have succeeded.
    asio::awaitable<void> run();
    // Stops accepting, ends live streams, lets requests under way finish.
    void stop();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::portal
