#include "services/matcher/address.hpp"

namespace zhida::matcher {

std::string registered_url(const matcher_config& c, std::uint16_t port) {
    if (!c.url.empty()) return c.url;
    const bool v6 = c.host.find(':') != std::string::npos && !c.host.starts_with('[');
    return "http://" + (v6 ? "[" + c.host + "]" : c.host) + ":" + std::to_string(port);
}

bool only_on_this_host(const matcher_config& c) {
    return c.url.empty() && (c.host.starts_with("127.") || c.host == "::1" || c.host == "localhost");
}

} // namespace zhida::matcher
