// Tells the robots of WeCom groups what happens: a department's that its campaign begins and is finished, the
// operators' that a gateway takes nothing any more, and that it does again. Each is told once, at most: it is
// remembered before it is said. Nobody waits for it, and what fails here fails here.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/metrics.hpp"
#include "common/model/campaign.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace zhida::scheduler {

namespace asio = boost::asio;

// Used from the executor's thread alone; the clock and the metrics outlive what it has begun. Has a
// connection to Redis of its own. Does nothing where wecom.robots is empty.
class campaign_news {
  public:
    campaign_news(asio::any_io_executor executor, const config& c, const clock& time, metrics& meters);
    ~campaign_news();
    void began(const campaign& c);
    void finished(const campaign& c);
    void active(bool now); // whether this scheduler is: only one watches the gateways
    void stop();

  private:
    struct impl;
    std::shared_ptr<impl> impl_; // null: nobody is told anything
};

} // namespace zhida::scheduler
