// What WeCom answers: HTTP 200 with an error inside. Pure.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/io/http_client.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace zhida::gateways {

struct wecom_answer {
    std::int64_t errcode = 0;
    std::string errmsg;               // bounded, without any of the secrets
    std::string msgid;                // of message/send
    std::set<std::string> invalid;    // userids, folded: no members, or not within the application's sight
    std::set<std::string> unlicensed; // the same: without a licence for the interface
    std::string access_token;         // of gettoken
    std::int64_t expires_in = 0;      // seconds
};
// secrets: what must not be told, whatever the other side repeats. invalid: no JSON object with an errcode.
result<wecom_answer> read_wecom_answer(const io::http_reply& reply, const std::vector<std::string>& secrets);

} // namespace zhida::gateways
