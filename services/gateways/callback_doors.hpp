// Who may post to /gateways/NAME/receipts/SECRET and /gateways/NAME/replies/SECRET: the clouds do not sign
// what they push, so that the secret in the path and the address it comes from are all there is. Pure.
#pragma once

#include "common/base/config.hpp"
#include "common/io/address_list.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

class callback_doors {
  public:
    // Of the clouds among the gateways that have a callback_secret. Failure invalid: callback_from of one
    // cannot be read; names it.
    static result<callback_doors> of(const sms_config& settings);

    enum class answer {
        open,      // `at` posts it
        unknown,   // no such gateway, or another secret: they take as long and are not told apart
        elsewhere, // the right secret from an address that is not listed
    };
    struct found {
        answer what = answer::unknown;
        const sms_gateway_config* at = nullptr; // of `open` and `elsewhere`; lives as long as the doors
    };
    // remote: the peer's address.
    found knock(std::string_view name, std::string_view secret, std::string_view remote) const;

  private:
    struct door {
        sms_gateway_config settings;
        io::address_list from;
    };
    std::vector<door> doors_;
};

} // namespace zhida::gateways
