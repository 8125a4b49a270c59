// Checks the ledger from its arrays: what zhida ledger verify prints.
#pragma once

#include "common/io/redis.hpp"
#include "common/model/campaign.hpp"

#include <map>

namespace zhida {

struct ledger_report {
    struct of_channel {
        state_counts states{}; // counted from the arrays
        std::int64_t matched = 0;
    };
    struct of_campaign {
        std::string id;
        std::int64_t audience = 0;
        std::map<channel, of_channel> channels;
    };
    std::vector<of_campaign> campaigns;
    std::vector<failure> errors; // every place where arrays, counters and audiences do not agree
};

// Reads every audience, ledger and counter, those of one ledger in one call: it may run while deliveries go
// on.
boost::asio::awaitable<result<ledger_report>> check_ledger(io::redis& redis, int shards);

json to_json(const ledger_report& r);

} // namespace zhida
