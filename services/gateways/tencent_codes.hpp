// What each Code of Tencent Cloud's SMS service (2021-01-11) and each errmsg of its receipts means for us, as
// data. Sources: cloud.tencent.com "错误码" (API 2021-01-11), "短信发送和回执状态错误码". Unknown codes fail
// the recipient. Pure.
#pragma once

#include "services/gateways/cloud_reaction.hpp"

namespace zhida::gateways::tencent {

const cloud_reaction& reaction_to(std::string_view Code) noexcept;
std::vector<code_reason> reasons();

std::string fault_of_receipt(std::string_view errmsg, bool success); // recipient_fault
std::vector<code_reason> receipt_reasons();

} // namespace zhida::gateways::tencent
