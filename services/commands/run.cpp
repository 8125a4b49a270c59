#include "common/base/log.hpp"
#include "services/app.hpp"
#include "services/commands.hpp"

#include <cstdio>
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

} // namespace

int run(const options& o, const std::vector<std::string>& roles, const std::vector<std::string>& channels) {
    app_roles wanted;
    if (!roles.empty()) {
        wanted = {false, false, false, false, wanted.channels};
        for (const auto& name : roles) {
            if (name == "matcher")
                wanted.matcher = true;
            else if (name == "dispatcher")
                wanted.dispatcher = true;
            else if (name == "portal")
                wanted.portal = true;
            else if (name == "simulator")
                wanted.simulator = true;
            else {
                std::cerr << "zhida run: no role '" << name << "' (matcher, dispatcher, portal, simulator)\n";
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
    app a(o.settings, wanted);
    return a.run(announce);
}

} // namespace zhida::commands
