#include "common/io/redis_url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>

namespace zhida::io {

namespace {

failure wrong(std::string what) {
    return {errc::invalid, std::move(what), "redis.url", "write it as redis://[user:password@]host:port/db"};
}

} // namespace

result<redis_address> parse_redis_url(std::string_view url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) return wrong("is not a URL");
    if (parsed->scheme() != "redis")
        return wrong("has the scheme '" + std::string(parsed->scheme()) +
                     "'; only redis:// (plain TCP) is known");
    redis_address out;
    out.host = parsed->host_address();
    if (out.host.empty()) return wrong("names no host");
    if (parsed->has_port() && !parsed->port().empty()) {
        if (parsed->port_number() == 0) return wrong("has a port that is not from 1 to 65535");
        out.port = parsed->port();
    }
    out.user = parsed->user();
    out.password = parsed->password();
    if (!out.user.empty() && out.password.empty()) return wrong("has a user but no password");
    if (parsed->has_query() || parsed->has_fragment()) return wrong("has a part after the database");

    const std::string path = parsed->path();
    if (path.empty() || path == "/") return out;
    const auto* first = path.data() + 1;
    const auto* last = path.data() + path.size();
    const auto [end, code] = std::from_chars(first, last, out.db);
    if (code != std::errc() || end != last || out.db < 0)
        return wrong("has the database '" + path.substr(1) + "', which is not a number");
    return out;
}

} // namespace zhida::io
