// By what roles show one another that they belong to the same installation: keys that only who has the
// contact key can derive. No key or token travels; each request is authenticated by itself. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"

#include <map>
#include <string>
#include <string_view>

namespace zhida {

// Requests to a matcher's internal service: `Authorization: Zhida-HMAC <unix seconds> <hex>`, the HMAC-SM3
// over method, decoded path and query, SHA-256 of the body and the seconds. Only questions are asked there,
// so one that is repeated within the minute by who overheard it tells him nothing new, and no nonces are
// kept.
class internal_auth {
  public:
    explicit internal_auth(const crypto::sealer& sealer)
        : key_(sealer.lookup_hash("zhida internal api, version 2")) {}
    // target: as sent, path and query. Empty where no server would take the target.
    std::string header(std::string_view method, std::string_view target, std::string_view body,
                       wall_time now) const;
    // As the server decoded it: nothing between may change what is asked.
    bool right(std::string_view header, std::string_view method, std::string_view path,
               const std::map<std::string, std::string>& query, std::string_view body, wall_time now) const;

    // Clocks of two hosts may differ by so much.
    static constexpr std::chrono::seconds tolerance{60};

  private:
    std::string mac(std::string_view method, std::string_view path,
                    const std::map<std::string, std::string>& query, std::string_view body,
                    std::int64_t at) const;
    std::string key_;
};

// Of store::matchers: by it matchers authenticate what they say of themselves in Redis.
inline std::string registration_key(const crypto::sealer& sealer) {
    return sealer.lookup_hash("zhida matcher registration, version 1");
}

} // namespace zhida
