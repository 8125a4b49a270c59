// Policies read and compiled once and kept for a moment: a page shows many packages of few policies.
#pragma once

#include "common/store/policies.hpp"
#include "services/portal/package_document.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zhida::portal {

namespace asio = boost::asio;

class policy_cache {
  public:
    policy_cache(store::policies& from, const matching::catalogue& catalogue, const clock& time)
        : from_(from), catalogue_(catalogue), time_(time) {}
    // The newest version, at most two seconds old.
    asio::awaitable<result<std::shared_ptr<const compiled_policy>>> get(std::string id);
    // The version that a campaign was made of; versions never change.
    asio::awaitable<result<std::shared_ptr<const compiled_policy>>> get_version(std::string id, int version);
    // Newest first; see store::policies::list.
    asio::awaitable<result<std::vector<std::shared_ptr<const compiled_policy>>>> list(std::size_t limit,
                                                                                      std::int64_t before_ms);
    // After something was published: the next get() asks the store again.
    void forget(const std::string& id);

  private:
    struct kept {
        steady_time until;
        std::shared_ptr<const compiled_policy> policy;
    };
    result<std::shared_ptr<const compiled_policy>> compile(store::stored_policy stored);
    void trim();

    store::policies& from_;
    const matching::catalogue& catalogue_;
    const clock& time_;
    std::map<std::string, kept> newest_;
    std::map<std::pair<std::string, int>, std::shared_ptr<const compiled_policy>> versions_;
};

} // namespace zhida::portal
