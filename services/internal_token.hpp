// By what a role shows another that it belongs to the same installation: whoever has the contact key.
#pragma once

#include "common/base/crypto.hpp"

#include <string>

namespace zhida {

// As in `Authorization: Bearer <token>` of the matchers' internal service.
inline std::string internal_token(const crypto::sealer& sealer) {
    return sealer.lookup_hash("zhida internal api, version 1");
}

} // namespace zhida
