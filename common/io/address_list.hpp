// Addresses and networks of peers that may call, as configuration writes them. Pure.
#pragma once

#include "common/base/error.hpp"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <string_view>
#include <vector>

namespace zhida::io {

class address_list {
  public:
    // Comma-separated: "203.0.113.7, 198.51.100.0/24, 2001:db8::/32". Failure invalid: names the entry that
    // is none.
    static result<address_list> parse(std::string_view text);
    // True where the list is empty, or the address is in it. An IPv4 address inside IPv6 (::ffff:a.b.c.d,
    // RFC 4291 section 2.5.5.2) counts as itself. False for what is no address.
    bool allows(std::string_view address) const;
    bool empty() const noexcept { return v4_.empty() && v6_.empty(); }

  private:
    std::vector<boost::asio::ip::network_v4> v4_;
    std::vector<boost::asio::ip::network_v6> v6_;
};

} // namespace zhida::io
