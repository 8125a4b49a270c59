// Receipts that the clouds push to us, or that we pull from them. Pure. Sources: help.aliyun.com "SmsReport";
// cloud.tencent.com "短信下发状态通知", "PullSmsSendStatus". A push carries no signature: what it says may
// change a message that we have sent, and nothing else.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/gateway.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

struct cloud_receipts {
    std::vector<receipt> receipts;
    std::vector<failure> wrong; // entries that cannot be used, each with its place ("/3/err_code"): let go
};

// `body` is a JSON array with any number of entries. Failure invalid: it is not, so that nothing of it can be
// used. `now` stands in where an entry's time is none; `codes`: those of the gateway.
result<cloud_receipts> read_aliyun_receipts(std::string_view body, const std::string& gateway,
                                            std::string_view secret, wall_time now,
                                            const own_codes& codes = {});
result<cloud_receipts> read_tencent_receipts(std::string_view body, const std::string& gateway, wall_time now,
                                             const own_codes& codes = {});
// Of PullSmsSendStatus: an array.
cloud_receipts read_pulled_receipts(const json& statuses, const std::string& gateway, wall_time now,
                                    const own_codes& codes = {});

// What the vendor is answered: 200 with `kept`, any other status with `not_kept`, and it pushes again.
struct cloud_push_answer {
    const char* kept;
    const char* not_kept;
};
inline constexpr cloud_push_answer aliyun_push_answer{R"({"code":0,"msg":"接收成功"})",
                                                      R"({"code":1,"msg":"未能保存，请重推"})"};
inline constexpr cloud_push_answer tencent_push_answer{R"({"result":0,"errmsg":"OK"})",
                                                       R"({"result":1,"errmsg":"not kept, push again"})"};

// How Aliyun's receipts name a message. The vendor has one id (BizId) for all numbers of a request, and tells
// it only in the answer; receipts and queries also give back the OutId that we chose. So it is that, with a
// keyed digest of the number, which keeps the number itself out of the store. `phone`: with or without 86.
std::string aliyun_message_id(std::string_view out_id, std::string_view phone, std::string_view secret);
std::string new_out_id(); // "zd" and 32 hex digits

} // namespace zhida::gateways
