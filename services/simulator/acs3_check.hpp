// ACS3-HMAC-SHA256 as Aliyun's servers check it. Pure. Source: help.aliyun.com "V3版本请求体&签名机制".
#pragma once

#include "common/base/clock.hpp"
#include "services/simulator/cloud_signature.hpp"

#include <map>
#include <string>
#include <vector>

namespace zhida::simulator {

inline constexpr milliseconds acs3_clock_skew{15 * 60'000};

// Query or form as it is signed: decoded, encoded again by RFC 3986 ("*" is %2A, "~" stays), in order of
// names. Nothing where an escape is broken.
std::optional<std::string> acs3_canonical_query(std::string_view raw);

// `now` is the server's. A nonce that was used before is for the caller to refuse (nonce_memory), once the
// signature is good.
signature_verdict check_acs3(const signed_request& r, const std::vector<access_key>& keys, wall_time now);

// Which nonces were used; remembered for as long as their date would still pass.
class nonce_memory {
  public:
    bool use(const std::string& key_id, const std::string& nonce, wall_time now); // false: used before

  private:
    std::map<std::string, wall_time> used_;
    wall_time pruned_{};
};

} // namespace zhida::simulator
