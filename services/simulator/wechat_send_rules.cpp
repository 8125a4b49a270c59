#include "services/simulator/wechat_send_rules.hpp"

#include "services/gateways/wechat_fields.hpp"

#include <algorithm>
#include <array>

namespace zhida::simulator {

const char* name_of(wechat_api api) noexcept {
    switch (api) {
    case wechat_api::template_send:
        return "template";
    case wechat_api::bizsend:
        return "subscribe";
    case wechat_api::subscribe_send:
        break;
    }
    return "miniprogram";
}

const char* path_of(wechat_api api) noexcept {
    switch (api) {
    case wechat_api::template_send:
        return "/cgi-bin/message/template/send";
    case wechat_api::bizsend:
        return "/cgi-bin/message/subscribe/bizsend";
    case wechat_api::subscribe_send:
        break;
    }
    return "/cgi-bin/message/subscribe/send";
}

namespace {

bool known_template(wechat_api api, const wechat_templates& known, const std::string& id) {
    const bool message = api == wechat_api::template_send;
    const auto& own = message ? known.messages : known.subscriptions;
    const auto& other = message ? known.subscriptions : known.messages;
    return !id.empty() && !other.contains(id) && (own.empty() || own.contains(id));
}

template <std::size_t count>
bool one_of(const std::array<std::string_view, count>& all, const std::string& text) {
    return text.empty() || std::find(all.begin(), all.end(), text) != all.end();
}

} // namespace

wechat_refusal read_wechat_send(wechat_api api, const wechat_templates& known, const json& body,
                                wechat_send& out) {
    std::vector<failure> errors;
    json_reader in(body, "", errors);
    const auto text = [&in](const char* name) { return in.text(name, false).value_or(""); };
    out.touser = text("touser");
    if (out.touser.empty()) return {40003, "invalid openid"};
    out.template_id = text("template_id");
    if (!known_template(api, known, out.template_id)) return {40037, "invalid template_id"};
    const auto* data = in.object("data", false);
    if (!data) return {47003, "argument invalid! data is empty"};
    for (const auto& [key, value] : data->items()) {
        const auto* v = value.is_object() && value.contains("value") ? &value.at("value") : nullptr;
        if (!v || !v->is_string() || !gateways::wechat_field_fault(key, v->get<std::string>()).empty())
            return {47003, "argument invalid! data." + key + ".value invalid"};
    }
    if (const auto* program = in.object("miniprogram", false)) {
        const auto appid = program->find("appid");
        if (appid == program->end() || !appid->is_string() || appid->get<std::string>().empty())
            return {40013, "invalid appid"};
    }
    if (api == wechat_api::template_send) {
        out.url = text("url");
        out.client_msg_id = text("client_msg_id");
        return {};
    }
    out.page = text("page");
    if (api == wechat_api::bizsend) return {}; // its page is a web page
    out.state = text("miniprogram_state");
    out.lang = text("lang");
    if (!out.page.empty() && !out.page.starts_with("pages/")) return {41030, "invalid page"};
    if (!one_of<3>({"developer", "trial", "formal"}, out.state))
        return {47003, "argument invalid! miniprogram_state invalid"};
    if (!one_of<4>({"zh_CN", "en_US", "zh_HK", "zh_TW"}, out.lang))
        return {47003, "argument invalid! lang invalid"};
    return {};
}

} // namespace zhida::simulator
