#include "services/dispatcher/wechat_reach.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::dispatcher {

using ledger::reason;

std::string template_of(const config& settings, wechat_account account) {
    switch (account) {
    case wechat_account::official:
        return settings.wechat.template_id;
    case wechat_account::miniprogram:
        return settings.miniprogram.template_id;
    case wechat_account::wecom:
        break;
    }
    return "";
}

bool account_enabled(const config& settings, wechat_account account) {
    switch (account) {
    case wechat_account::official:
        return settings.wechat.enabled;
    case wechat_account::miniprogram:
        return settings.miniprogram.enabled;
    case wechat_account::wecom:
        break;
    }
    return settings.wecom.enabled;
}

reason shut(const config& settings, wechat_account account, const store::wechat_standing& s, wall_time now) {
    if (!account_enabled(settings, account)) return reason::channel_disabled;
    if (s.follows && !*s.follows) return reason::no_grant;
    if (account == wechat_account::wecom) return reason::none;
    const auto& a = account == wechat_account::official ? settings.wechat : settings.miniprogram;
    using templates = store::wechat_standing::templates;
    if (!a.needs_grant())
        return s.of_template == templates::refused && now < s.refused_since + refused_for ? reason::no_grant
                                                                                          : reason::none;
    switch (s.of_template) {
    case templates::refused:
        return reason::no_grant;
    case templates::counted:
        return s.left > 0 || a.long_term ? reason::none : reason::no_grant;
    case templates::lasting:
        return reason::none;
    case templates::unsaid: // of a lasting one WeChat may know what was never told us
        break;
    }
    return a.long_term ? reason::none : reason::no_grant;
}

void add_bound(std::vector<contact>& contacts, const store::bound_contacts& bound,
               const std::function<std::string(std::string_view)>& digest_of) {
    if (!bound.unbound.empty())
        for (auto& c : contacts)
            if (!c.openid.empty() && std::find(bound.unbound.begin(), bound.unbound.end(),
                                               digest_of(c.openid)) != bound.unbound.end())
                c.openid.clear();
    for (const auto& b : bound.contacts)
        for (auto& c : contacts)
            if (c.openid == b.openid) c.openid.clear();
    contacts.insert(contacts.begin(), bound.contacts.begin(), bound.contacts.end());
}

std::string_view role_for(std::string_view theme, std::string_view roles) noexcept {
    const auto trimmed = [](std::string_view t) {
        while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
        while (!t.empty() && t.back() == ' ') t.remove_suffix(1);
        return t;
    };
    std::string_view best, best_theme;
    while (!roles.empty()) {
        const auto end = std::min(roles.find(','), roles.size());
        const auto part = roles.substr(0, end);
        roles.remove_prefix(std::min(end + 1, roles.size()));
        const auto equals = part.find('=');
        if (equals == part.npos) continue;
        const auto of = trimmed(part.substr(0, equals));
        const bool fits =
            !of.empty() && theme.starts_with(of) && (theme.size() == of.size() || theme[of.size()] == '/');
        if (fits && of.size() > best_theme.size()) {
            best_theme = of;
            best = trimmed(part.substr(equals + 1));
        }
    }
    return best;
}

void prefer_role(std::vector<contact>& contacts, std::string_view role) {
    if (role.empty()) return;
    std::vector<contact> others;
    std::erase_if(contacts, [&](contact& c) {
        if (c.role == role) return false;
        others.push_back(std::move(c));
        return true;
    });
    contacts.insert(contacts.end(), std::make_move_iterator(others.begin()),
                    std::make_move_iterator(others.end()));
}

} // namespace zhida::dispatcher
