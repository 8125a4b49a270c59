// What people wrote back, as the clouds push it to us. Pure. Sources: help.aliyun.com "SmsUp" (an array);
// cloud.tencent.com "短信回复" (one object; an array of them is understood as well). A push carries no
// signature.
#pragma once

#include "common/base/error.hpp"
#include "services/gateways/gateway.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

struct cloud_replies {
    std::vector<inbound_sms> replies;
    std::vector<failure> wrong; // entries that cannot be used, each with its place ("/3/content"): let go
};

// Failure invalid: nothing of it can be used. `to` is the extension of the number that was written to
// (dest_code, extend), which is all that they tell of it. `now` stands in where an entry's time is none.
result<cloud_replies> read_aliyun_replies(std::string_view body, const std::string& gateway, wall_time now);
result<cloud_replies> read_tencent_replies(std::string_view body, const std::string& gateway, wall_time now);

} // namespace zhida::gateways
