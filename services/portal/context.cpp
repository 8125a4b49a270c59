#include "services/portal/context.hpp"

#include "services/sms_contents.hpp"

#include <fstream>
#include <sstream>

namespace zhida::portal {

result<portal_files> load_portal_files(const std::string& config_dir, const sms_config& sms) {
    auto pages = templates::load(config_dir + "/templates");
    if (!pages) return pages.error();
    auto assets = load_assets(config_dir + "/templates/assets");
    if (!assets) return assets.error();
    auto samples = load_samples(config_dir + "/samples/policies");
    if (!samples) return samples.error();

    auto messages = load_sms_content(config_dir, sms);
    if (!messages) return messages.error();
    auto codes = load_sms_codes(config_dir, sms);
    if (!codes) return codes.error();

    const auto path = config_dir + "/openapi.json";
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    auto openapi = parse_json(text.str());
    if (!in || !openapi)
        return failure{errc::io, "cannot be read" + (openapi ? std::string() : ": " + openapi.error().what),
                       path, "is the installation complete?"};

    std::string all;
    for (const auto& [name, one] : *assets) all += one.etag;
    return ok(portal_files{std::move(*pages), std::move(*assets), crypto::sha256_hex(all).substr(0, 12),
                           std::move(*samples), std::move(*openapi), std::move(*messages),
                           std::move(*codes)});
}

result<std::vector<gateways::wechat_door>> wechat_doors_of(const config& settings) {
    std::vector<gateways::wechat_door> doors;
    const auto add = [&](bool enabled, const char* name, const auto& account,
                         const std::string& receive_id) -> result<void> {
        if (!enabled || account.callback_token.empty()) return {};
        auto door =
            gateways::wechat_door::of(name, account.callback_token, account.callback_aes_key, receive_id);
        if (!door) return door.error();
        doors.push_back(std::move(*door));
        return {};
    };
    const auto& s = settings;
    if (auto made = add(s.wechat.enabled, "wechat", s.wechat, s.wechat.appid); !made) return made.error();
    if (auto made = add(s.miniprogram.enabled, "miniprogram", s.miniprogram, s.miniprogram.appid); !made)
        return made.error();
    if (auto made = add(s.wecom.enabled, "wecom", s.wecom, s.wecom.corpid); !made) return made.error();
    return ok(std::move(doors));
}

} // namespace zhida::portal
