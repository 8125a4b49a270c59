#include "common/io/address_list.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <string>

namespace zhida::io {

namespace ip = boost::asio::ip;

namespace {

constexpr std::string_view blanks = " \t";

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return "";
    return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

ip::address plain(const ip::address& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, a.to_v6());
    return a;
}

// Of the same family: an IPv6 network's address carries no zone, which says by which link it came.
bool within(const ip::address_v6& a, const ip::network_v6& n) {
    const auto bytes = a.to_bytes(), first = n.network().to_bytes();
    int left = n.prefix_length();
    for (std::size_t i = 0; i < bytes.size() && left > 0; ++i, left -= 8) {
        const auto mask = left >= 8 ? 0xff : 0xff << (8 - left) & 0xff;
        if ((bytes[i] & mask) != (first[i] & mask)) return false;
    }
    return true;
}

bool within(const ip::address_v4& a, const ip::network_v4& n) {
    return (a.to_uint() & n.netmask().to_uint()) == n.network().to_uint();
}

} // namespace

result<address_list> address_list::parse(std::string_view text) {
    address_list out;
    if (trimmed(text).empty()) return out;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        const auto entry = trimmed(text.substr(at, end - at));
        at = end + 1;
        boost::system::error_code wrong;
        const bool network = entry.find('/') != std::string::npos;
        const bool v6 = entry.find(':') != std::string::npos;
        if (v6 && network) {
            out.v6_.push_back(ip::make_network_v6(entry, wrong));
        } else if (network) {
            out.v4_.push_back(ip::make_network_v4(entry, wrong));
        } else if (const auto address = plain(ip::make_address(entry, wrong)); !wrong) {
            if (address.is_v4())
                out.v4_.emplace_back(address.to_v4(), static_cast<unsigned short>(32));
            else
                out.v6_.emplace_back(address.to_v6(), static_cast<unsigned short>(128));
        }
        if (wrong)
            return failure{errc::invalid, "'" + entry + "' is neither an address nor a network", "",
                           "write them as 203.0.113.7 or 198.51.100.0/24, separated by commas"};
    }
    return out;
}

bool address_list::allows(std::string_view text) const {
    boost::system::error_code wrong;
    const auto address = plain(ip::make_address(std::string(text), wrong));
    if (wrong) return false;
    if (empty()) return true;
    if (address.is_v4())
        return std::any_of(v4_.begin(), v4_.end(), [&](const auto& n) { return within(address.to_v4(), n); });
    return std::any_of(v6_.begin(), v6_.end(), [&](const auto& n) { return within(address.to_v6(), n); });
}

} // namespace zhida::io
