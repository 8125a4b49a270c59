#include "services/portal/wechat_bindings.hpp"

#include "common/base/log.hpp"
#include "common/model/wechat_address.hpp"
#include "common/store/api_calls.hpp"
#include "common/store/keys.hpp"
#include "services/dispatcher/wechat_reach.hpp"
#include "services/portal/access.hpp"
#include "services/token_share.hpp"
#include "services/wechat_scene.hpp"

#include <qrencode.h>

#include <algorithm>
#include <memory>

namespace zhida::portal {

namespace {

constexpr std::int64_t most_codes_an_hour = 30; // of a subject

std::string masked(std::string_view id) {
    if (id.size() < 8) return std::string(id.substr(0, 1)) + "***";
    return std::string(id.substr(0, 4)) + "****" + std::string(id.substr(id.size() - 3));
}

const char* state_of(const config& settings, wechat_account account, const store::wechat_standing& s,
                     wall_time now) {
    if (!dispatcher::account_enabled(settings, account)) return "off";
    if (s.follows && !*s.follows) return "left";
    if (dispatcher::shut(settings, account, s, now) == ledger::reason::none) return "reachable";
    return s.of_template == store::wechat_standing::templates::refused ? "refused" : "no_grant";
}

// With what was bound and unbound.
asio::awaitable<result<std::vector<contact>>> contacts_of(context& c, const store::stored_profile& subject,
                                                          std::vector<std::string>& bound_digests) {
    auto contacts = subject.subject.contacts;
    auto bound = co_await c.addresses.bound_of(subject.shard, {subject.subject.id});
    if (!bound) co_return bound.error();
    if (const auto of = bound->find(subject.subject.id); of != bound->end()) {
        for (const auto& b : of->second.contacts) bound_digests.push_back(c.numbers.of(b.openid));
        dispatcher::add_bound(contacts, of->second, [&](std::string_view a) { return c.numbers.of(a); });
    }
    std::erase_if(contacts, [](const contact& k) { return !parse_wechat_address(k.openid); });
    co_return contacts;
}

} // namespace

asio::awaitable<result<std::vector<wechat_binding>>> bindings_of(context& c,
                                                                 const store::stored_profile& subject) {
    std::vector<std::string> bound;
    auto contacts = co_await contacts_of(c, subject, bound);
    if (!contacts) co_return contacts.error();
    std::vector<wechat_binding> all;
    std::vector<store::wechat_addresses::asked> asked;
    for (const auto& k : *contacts) {
        const auto to = parse_wechat_address(k.openid);
        wechat_binding b;
        b.id = c.numbers.of(k.openid);
        b.role = k.role;
        b.account = to_string(to->account);
        b.masked = masked(to->id);
        b.bound = std::find(bound.begin(), bound.end(), b.id) != bound.end();
        asked.push_back({b.id, dispatcher::template_of(c.settings, to->account)});
        all.push_back(std::move(b));
    }
    auto standings = co_await c.addresses.standings(std::move(asked));
    if (!standings) co_return standings.error();
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i].state = state_of(c.settings, parse_wechat_address((*contacts)[i].openid)->account,
                                (*standings)[i], c.time.now());
    co_return all;
}

asio::awaitable<result<binding_code>> new_binding_code(context& c, const store::stored_profile& subject,
                                                       std::string role) {
    const auto roles = roles_of(subject.subject.type);
    if (std::find(roles.begin(), roles.end(), role) == roles.end())
        co_return failure{errc::invalid, "没有这个联系人角色", "role", "从列出的角色中选择"};
    if (!c.wechat)
        co_return failure{errc::conflict, "本系统没有启用微信公众号，不能扫码绑定", "wechat.enabled",
                          "请联系管理员"};
    // Each is a call that the account has a quota of.
    const auto asked = store::keys::wechat_codes(subject.subject.id);
    auto many = co_await c.redis.command({"INCR", asked});
    if (!many) co_return many.error();
    if (many->integer == 1) (void)co_await c.redis.command({"EXPIRE", asked, "3600"});
    if (many->integer > most_codes_an_hour)
        co_return failure{errc::conflict, "一小时内生成的二维码太多", "", "请一小时后再试"};
    const auto expires = c.time.now() + scene_lives;
    const auto scene = wechat_scenes(c.parts.sealer).sign({subject.subject.id, std::move(role), expires});
    const auto made = co_await c.wechat->scene_code(scene, scene_lives);
    store::api_calls calls(c.redis);
    (void)co_await calls.add(c.settings.wechat.appid, shanghai_day(c.time.now()), c.wechat->take_calls());
    if (!made) {
        log::warn("wechat_scene_code_failed", {{"why", made.error().text()}});
        co_return failure{errc::unavailable, "微信暂时不能生成二维码", "wechat", "请稍后再试"};
    }
    auto picture = qr_of(made->url);
    if (!picture) co_return picture.error();
    co_return binding_code{made->url, std::move(*picture), expires};
}

asio::awaitable<result<void>> unbind(context& c, identity by, const store::stored_profile& subject,
                                     std::string id) {
    std::vector<std::string> bound;
    const auto contacts = co_await contacts_of(c, subject, bound);
    if (!contacts) co_return contacts.error();
    if (std::none_of(contacts->begin(), contacts->end(),
                     [&](const contact& k) { return c.numbers.of(k.openid) == id; }))
        co_return failure{errc::not_found, "没有这个绑定", id, ""};
    consent_change change;
    change.kind = consent_kind::unbind;
    change.who = subject.subject.id;
    change.at_ms = c.time.now().time_since_epoch().count();
    change.by = actor_of(by);
    change.address = std::move(id);
    co_return co_await c.consent_changes.record(std::move(change));
}

result<qr_code> qr_of(const std::string& text) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_M), QRcode_free);
    if (!code) return failure{errc::invalid, "the text does not fit into a QR code", "", ""};
    constexpr int quiet = 4;
    qr_code out;
    out.side = code->width + 2 * quiet;
    for (int y = 0; y < code->width; ++y) // rows as runs of squares
        for (int x = 0; x < code->width;) {
            int run = 0;
            while (x + run < code->width && (code->data[y * code->width + x + run] & 1)) ++run;
            if (run > 0)
                out.path += "M" + std::to_string(x + quiet) + " " + std::to_string(y + quiet) + "h" +
                            std::to_string(run) + "v1h-" + std::to_string(run) + "z";
            x += std::max(run, 1);
        }
    return out;
}

std::string svg_of(const qr_code& code) {
    const auto side = std::to_string(code.side);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
           "\" shape-rendering=\"crispEdges\"><rect width=\"" + side + "\" height=\"" + side +
           "\" fill=\"#fff\"/><path d=\"" + code.path + "\" fill=\"#000\"/></svg>";
}

} // namespace zhida::portal
