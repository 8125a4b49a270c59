#include "common/base/config_folder.hpp"
#include "common/base/log.hpp"
#include "services/app.hpp"
#include "services/commands.hpp"
#include "services/gateways/wecom_robot.hpp"
#include "services/sms_contents.hpp"
#include "services/wechat_warnings.hpp"

#include <algorithm>
#include <iostream>

namespace zhida::commands {

namespace {

boost::asio::awaitable<void> announce(app& a) {
    if (!a.address().empty())
        std::cout << "ready " << a.address() << "/" << std::endl;
    else
        std::cout << "ready" << std::endl;
    co_return;
}

// Of the channels this process sends by, the account data that is missing: no gateway would let it in.
std::vector<std::string> missing_accounts(const config& c, const app_roles& roles) {
    std::vector<std::string> missing;
    // Receipts that a portal is told of are found by ids that are made with it.
    if (roles.portal)
        for (const auto& g : gateways_of(c.sms))
            if (c.sms.enabled && g.protocol == "aliyun" && !g.callback_secret.empty() && g.secret.empty())
                missing.push_back(c.sms.gateways.empty() ? "sms.secret"
                                                         : "sms_gateway." + g.name + ".secret");
    if (!roles.dispatcher || roles.simulator) return missing; // the simulators take any account
    const auto need = [&](channel via, bool enabled, const std::string& key, const std::string& value) {
        const bool sends =
            std::find(roles.channels.begin(), roles.channels.end(), via) != roles.channels.end();
        if (sends && enabled && value.empty()) missing.push_back(key);
    };
    for (const auto& g : gateways_of(c.sms))
        need(channel::sms, c.sms.enabled,
             c.sms.gateways.empty() ? "sms.secret" : "sms_gateway." + g.name + ".secret", g.secret);
    need(channel::wechat, c.wechat.enabled, "wechat.appid", c.wechat.appid);
    need(channel::wechat, c.wechat.enabled, "wechat.secret", c.wechat.secret);
    need(channel::wechat, c.wechat.enabled, "wechat.template_id", c.wechat.template_id);
    need(channel::wechat, c.miniprogram.enabled, "miniprogram.appid", c.miniprogram.appid);
    need(channel::wechat, c.miniprogram.enabled, "miniprogram.secret", c.miniprogram.secret);
    need(channel::wechat, c.miniprogram.enabled, "miniprogram.template_id", c.miniprogram.template_id);
    need(channel::wechat, c.wecom.enabled, "wecom.corpid", c.wecom.corpid);
    need(channel::wechat, c.wecom.enabled, "wecom.secret", c.wecom.secret);
    return missing;
}

} // namespace

int run(const options& o, const std::vector<std::string>& roles, const std::vector<std::string>& channels,
        bool check_only) {
    app_roles wanted;
    if (!roles.empty()) {
        wanted = {false, false, false, false, false, wanted.channels};
        for (const auto& name : roles) {
            if (name == "matcher")
                wanted.matcher = true;
            else if (name == "dispatcher")
                wanted.dispatcher = true;
            else if (name == "scheduler")
                wanted.scheduler = true;
            else if (name == "portal")
                wanted.portal = true;
            else if (name == "simulator")
                wanted.simulator = true;
            else {
                std::cerr << "zhida run: no role '" << name
                          << "' (matcher, dispatcher, scheduler, portal, simulator)\n";
                return 2;
            }
        }
    }
    if (!channels.empty()) {
        wanted.channels.clear();
        for (const auto& name : channels) {
            channel via{};
            if (!parse(name, via)) {
                std::cerr << "zhida run: no channel '" << name << "' (web, sms, wechat)\n";
                return 2;
            }
            wanted.channels.push_back(via);
        }
    }
    const auto missing = missing_accounts(o.settings, wanted);
    for (const auto& key : missing)
        std::cerr << "configuration: " << key << " is empty (set it, or " << key.substr(0, key.find('.'))
                  << ".enabled = false to do without the channel)\n";
    if (!missing.empty()) return 2;
    const auto content = load_sms_content(config_folder(o.settings), o.settings.sms);
    if (!content) {
        std::cerr << "configuration: " << content.error().text() << "\n";
        return 2;
    }
    if (const auto codes = load_sms_codes(config_folder(o.settings), o.settings.sms); !codes) {
        std::cerr << "configuration: " << codes.error().text() << "\n";
        return 2;
    }
    if (wanted.dispatcher && !wanted.simulator && o.settings.sms.enabled)
        for (const auto& w : sms_warnings(*content, o.settings.sms))
            std::cerr << "configuration, warning: " << w.text() << "\n";
    if (const auto robots = gateways::parse_robots(o.settings.wecom.robots); !robots) {
        std::cerr << "configuration: " << robots.error().text() << "\n";
        return 2;
    }
    if (const auto faults = wechat_faults(o.settings); !faults.empty()) {
        for (const auto& f : faults) std::cerr << "configuration: " << f.text() << "\n";
        return 2;
    }
    if (wanted.dispatcher && !wanted.simulator)
        for (const auto& w : wechat_warnings(o.settings))
            std::cerr << "configuration, warning: " << w.text() << "\n";
    if (check_only) {
        std::cout << describe(o.settings);
        return 0;
    }
    app a(o.settings, wanted);
    return a.run(announce);
}

} // namespace zhida::commands
