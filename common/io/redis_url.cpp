#include "common/io/redis_url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>
#include <climits>

namespace zhida::io {

namespace {

failure wrong(std::string what) {
    return {errc::invalid, std::move(what), "redis.url", "write it as redis://[user:password@]host:port/db"};
}

// From 0 to `most`, or -1.
int number(std::string_view text, int most) {
    int value = -1;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size() && value >= 0 && value <= most ? value
                                                                                                  : -1;
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
        out.port = parsed->port();
        if (number(out.port, 65535) < 1) return wrong("has a port that is not from 1 to 65535");
    }
    out.user = parsed->user();
    out.password = parsed->password();
    if (!out.user.empty() && out.password.empty()) return wrong("has a user but no password");
    if (parsed->has_query() || parsed->has_fragment()) return wrong("has a part after the database");

    const std::string path = parsed->path();
    if (path.empty() || path == "/") return out;
    out.db = number(std::string_view(path).substr(1), INT_MAX);
    if (out.db < 0) return wrong("has the database '" + path.substr(1) + "', which is not a number");
    return out;
}

} // namespace zhida::io
