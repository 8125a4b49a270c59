// Under which address a matcher's internal service is registered for portals. Pure.
#pragma once

#include "common/base/config.hpp"

#include <cstdint>
#include <string>

namespace zhida::matcher {

// matcher.url, else http://host:port with an IPv6 host in brackets (RFC 3986 3.2.2). port: listened on.
std::string registered_url(const matcher_config& c, std::uint16_t port);
// Whether portals on other hosts cannot reach it.
bool only_on_this_host(const matcher_config& c);

} // namespace zhida::matcher
