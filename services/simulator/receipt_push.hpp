// Receipts (and what people write back) on their way to our own address, as the clouds push them: JSON arrays
// over HTTP, again and again until the answer says that they were taken.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zhida::simulator {

namespace asio = boost::asio;

struct receipt_push_options {
    std::string path;  // where the account's receipts go: "/gateways/ali/receipts/SECRET"; empty: nowhere
    std::string taken; // the member of the answer that is 0 then: "code" (Aliyun), "result" (Tencent)
    std::size_t batch = 100; // receipts in one request
    bool alone = false;      // each as an object of its own, not in an array
    milliseconds gather{20}; // how long a receipt waits for others to go with it
    // Waits before it is tried again; then it is given up. The vendors publish no schedule.
    std::vector<milliseconds> again;
};

struct receipt_push_stats {
    std::int64_t requests = 0, refused = 0;            // refused: no answer, or not the right one
    std::int64_t taken = 0, given_up = 0, waiting = 0; // receipts
};
json to_json(const receipt_push_stats& s);

// Of one account. The clock outlives it. One thread.
class receipt_push {
  public:
    receipt_push(asio::any_io_executor executor, const clock& time, receipt_push_options options);
    ~receipt_push();
    // http://host:port of our portals; while it is empty, receipts are dropped as if nobody had asked for
    // them.
    void set_base(const std::string& base);
    void put(json receipt);
    void hold(json receipt); // until another one was taken, or release()
    void release();
    bool wanted() const noexcept; // somebody is there to push to
    bool idle() const noexcept;   // nothing waits and nothing is under way; what is held does not count
    asio::awaitable<void> run();  // until stop()
    void stop();
    receipt_push_stats stats() const;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
