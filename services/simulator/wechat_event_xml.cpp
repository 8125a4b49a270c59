#include "services/simulator/wechat_event_xml.hpp"

namespace zhida::simulator {

namespace {

// "]]>" would end the section: it is split over two.
std::string cdata(std::string_view name, std::string_view text) {
    std::string out = "<" + std::string(name) + "><![CDATA[";
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find("]]>", at);
        if (end == std::string_view::npos) {
            out += text.substr(at);
            break;
        }
        out.append(text.substr(at, end + 2 - at)).append("]]><![CDATA[");
        at = end + 2;
    }
    return out + "]]></" + std::string(name) + ">";
}
std::string plain(std::string_view name, std::int64_t number) {
    return "<" + std::string(name) + ">" + std::to_string(number) + "</" + std::string(name) + ">";
}

std::string document(const wechat_parties& p, std::string_view type, const std::string& rest) {
    const auto s = std::chrono::floor<std::chrono::seconds>(p.at).time_since_epoch().count();
    return "<xml>" + cdata("ToUserName", p.account) + cdata("FromUserName", p.openid) +
           plain("CreateTime", s) + cdata("MsgType", type) + rest + "</xml>";
}

// "failed: user block" -> "user block"
std::string_view reason(std::string_view status) {
    const auto colon = status.find(':');
    if (colon == std::string_view::npos) return status;
    status.remove_prefix(colon + 1);
    while (status.starts_with(' ')) status.remove_prefix(1);
    return status;
}

} // namespace

std::string event_xml(const wechat_parties& p, std::string_view event, std::string_view key,
                      std::string_view ticket) {
    auto rest = cdata("Event", event) + cdata("EventKey", key);
    if (!ticket.empty()) rest += cdata("Ticket", ticket);
    return document(p, "event", rest);
}

std::string text_xml(const wechat_parties& p, std::string_view text, std::int64_t msg_id) {
    return document(p, "text", cdata("Content", text) + plain("MsgId", msg_id));
}

std::string template_finish_xml(const wechat_parties& p, std::int64_t msg_id, std::string_view status) {
    return document(p, "event",
                    cdata("Event", "TEMPLATESENDJOBFINISH") + plain("MsgID", msg_id) +
                        cdata("Status", status));
}

std::string subscription_sent_xml(const wechat_parties& p, std::string_view template_id, std::int64_t msg_id,
                                  std::string_view status) {
    const bool sent = status == "success";
    return document(p, "event",
                    cdata("Event", "subscribe_msg_sent_event") + "<SubscribeMsgSentEvent><List>" +
                        cdata("TemplateId", template_id) + plain("MsgID", msg_id) +
                        plain("ErrorCode", sent                             ? 0
                                           : status.ends_with("user block") ? 43101
                                                                            : -1) +
                        cdata("ErrorStatus", reason(status)) + "</List></SubscribeMsgSentEvent>");
}

std::string subscription_choice_xml(const wechat_parties& p, std::string_view event,
                                    const std::vector<std::pair<std::string, std::string>>& choices) {
    const bool popup = event == "subscribe_msg_popup_event";
    const std::string around = popup ? "SubscribeMsgPopupEvent" : "SubscribeMsgChangeEvent";
    std::string rest = cdata("Event", event) + "<" + around + ">";
    for (const auto& [template_id, choice] : choices) {
        rest += "<List>" + cdata("TemplateId", template_id) + cdata("SubscribeStatusString", choice);
        if (popup) rest += plain("PopupScene", 1); // from a web page
        rest += "</List>";
    }
    return document(p, "event", rest + "</" + around + ">");
}

std::string encrypted_xml(std::string_view account, std::string_view encrypted) {
    return "<xml>" + cdata("ToUserName", account) + cdata("Encrypt", encrypted) + "</xml>";
}

} // namespace zhida::simulator
