// What each Code of Aliyun's SMS service (Dysmsapi 2017-05-25) and each err_code of its receipts means for
// us, as data. Sources: help.aliyun.com "API错误码", "公共错误码", "回执错误码"; what is in none of them is
// marked in docs/gateways.md. Unknown codes fail the recipient. Pure.
#pragma once

#include "services/gateways/cloud_reaction.hpp"

namespace zhida::gateways::aliyun {

const cloud_reaction& reaction_to(std::string_view Code) noexcept;
std::vector<code_reason> reasons();

std::string fault_of_receipt(std::string_view err_code, bool success); // recipient_fault
std::vector<code_reason> receipt_reasons();

} // namespace zhida::gateways::aliyun
