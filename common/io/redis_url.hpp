// redis://[user:password@]host[:port][/db]
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>

namespace zhida::io {

struct redis_address {
    std::string host;
    std::string port = "6379";
    std::string user, password; // both empty: no AUTH
    int db = 0;

    std::string host_port() const { return host + ":" + port; } // for messages: without the password
};

// User and password may be percent-encoded. The failure never shows the password.
result<redis_address> parse_redis_url(std::string_view url);

} // namespace zhida::io
