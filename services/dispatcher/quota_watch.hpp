// Counts an account's calls, with those of all other processes, and warns before the day's quota is used up.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/metrics.hpp"
#include "common/store/api_calls.hpp"

#include <prometheus/gauge.h>

#include <cstdint>
#include <map>
#include <string>

namespace zhida::dispatcher {

namespace asio = boost::asio;

class quota_watch {
  public:
    // name: of the gateway, for people; account: appid, or what else the platform counts by; api: whose quota
    // it is; quota: 0: not known. References outlive it.
    quota_watch(io::redis& redis, const clock& c, metrics& meters, std::string name, std::string account,
                std::string api, std::int64_t quota);

    // Calls by interface since the last time. Where Redis does not answer they are not counted.
    asio::awaitable<void> count(std::map<std::string, std::int64_t> calls);
    // What the operator shall read today; "": nothing yet.
    const std::string& remark() const noexcept { return remark_; }

  private:
    const clock& clock_;
    store::api_calls calls_;
    const std::string name_, account_, api_;
    const std::int64_t quota_;
    prometheus::Gauge& used_;
    std::int32_t day_ = 0;
    int warned_ = 0; // percent
    std::string remark_;
};

} // namespace zhida::dispatcher
