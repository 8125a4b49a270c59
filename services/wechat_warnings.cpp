#include "services/wechat_warnings.hpp"

#include "services/dispatcher/wechat_template.hpp"
#include "services/gateways/wechat_door.hpp"

#include <algorithm>

namespace zhida {

namespace {

std::vector<const wechat_config*> enabled_accounts(const config& c) {
    std::vector<const wechat_config*> all;
    for (const auto* a : {&c.wechat, &c.miniprogram})
        if (a->enabled) all.push_back(a);
    return all;
}

} // namespace

std::vector<failure> wechat_faults(const config& c) {
    std::vector<failure> all;
    for (const auto* a : enabled_accounts(c)) {
        if (auto fields = dispatcher::wechat_template::parse(a->template_fields); !fields) {
            auto why = fields.error();
            why.where = a->name + ".template_fields";
            all.push_back(std::move(why));
        }
        if (a->callback_token.empty()) continue;
        auto door = gateways::wechat_door::of(a->name, a->callback_token, a->callback_aes_key, a->appid);
        if (!door) all.push_back(door.error());
    }
    if (const auto& w = c.wecom; w.enabled && !w.callback_token.empty())
        if (auto door = gateways::wechat_door::of("wecom", w.callback_token, w.callback_aes_key, w.corpid);
            !door)
            all.push_back(door.error());
    return all;
}

std::vector<failure> wechat_warnings(const config& c) {
    std::vector<failure> all;
    const auto warn = [&](std::string where, std::string what, std::string fix) {
        all.push_back({errc::invalid, std::move(what), std::move(where), std::move(fix)});
    };
    for (const auto* a : enabled_accounts(c)) {
        const auto& name = a->name;
        if (a->callback_token.empty())
            warn(name + ".callback_token",
                 "is empty: nobody tells what became of messages, nor who left or "
                 "granted what; their deliveries stay submitted",
                 "set it as in the platform's server configuration, which posts to /gateways/" + name +
                     "/events");
        else if (a->callback_aes_key.empty())
            warn(name + ".callback_aes_key",
                 "is empty: events come in clear, and their signature does not "
                 "cover what they say",
                 "choose 安全模式 there, and set its EncodingAESKey here");
        if (a->needs_grant() && !a->long_term && a->callback_token.empty())
            warn(name + ".long_term", "is false, and grants are told by events alone: nobody will be sent to",
                 "set callback_token");
    }
    if (c.miniprogram.enabled && c.miniprogram.page.empty())
        warn("miniprogram.page", "is empty: a message opens nothing", "as pages/index/index");
    std::string_view roles = c.dispatch.contact_roles;
    while (!roles.empty()) {
        const auto end = std::min(roles.find(','), roles.size());
        const auto part = roles.substr(0, end);
        roles.remove_prefix(std::min(end + 1, roles.size()));
        if (part.find('=') == part.npos)
            warn("dispatch.contact_roles", "'" + std::string(part) + "' is no THEME=ROLE and says nothing",
                 "as 就业=人事, 税务=财务");
    }
    return all;
}

} // namespace zhida
