#include "services/gateways/callback_doors.hpp"

#include "common/base/crypto.hpp"

#include <algorithm>

namespace zhida::gateways {

result<callback_doors> callback_doors::of(const sms_config& settings) {
    callback_doors out;
    for (const auto& g : gateways_of(settings)) {
        if (g.callback_secret.empty() || (g.protocol != "aliyun" && g.protocol != "tencent")) continue;
        auto from = io::address_list::parse(g.callback_from);
        if (!from) {
            auto why = from.error();
            why.where = (settings.gateways.empty() ? "sms" : "sms_gateway." + g.name) + ".callback_from";
            return why;
        }
        out.doors_.push_back({g, std::move(*from)});
    }
    return out;
}

// Digests are compared, so that not even the secret's length shows in the time it takes.
callback_doors::found callback_doors::knock(std::string_view name, std::string_view secret,
                                            std::string_view remote) const {
    const auto at =
        std::find_if(doors_.begin(), doors_.end(), [&](const door& d) { return d.settings.name == name; });
    const auto right = at == doors_.end() ? std::string() : at->settings.callback_secret;
    const bool same = crypto::equal_constant_time(crypto::sha256_hex(secret), crypto::sha256_hex(right));
    if (at == doors_.end() || !same) return {};
    return {at->from.allows(remote) ? answer::open : answer::elsewhere, &at->settings};
}

} // namespace zhida::gateways
