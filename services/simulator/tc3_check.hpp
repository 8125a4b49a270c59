// TC3-HMAC-SHA256 as Tencent Cloud's servers check it. Pure. Source: cloud.tencent.com/document/api/382/52071
// (签名方法 v3), with what the vendor's own SDKs sign besides: the host without its port.
#pragma once

#include "common/base/clock.hpp"
#include "services/simulator/cloud_signature.hpp"

namespace zhida::simulator {

// How far a request's timestamp may be from the server's: "不得超过五分钟" of every service
// (AuthFailure.SignatureExpire). Beyond ten minutes the SMS service has an error of its own,
// InternalError.RequestTimeException: cloud.tencent.com/document/product/382/40474.
inline constexpr milliseconds tc3_clock_skew{5 * 60'000}, tc3_wrong_clock{10 * 60'000};

// Its verdicts are HTTP 200: the code travels in Response.Error.
signature_verdict check_tc3(const signed_request& r, const std::vector<access_key>& keys, wall_time now);

} // namespace zhida::simulator
