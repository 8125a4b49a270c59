// 微信绑定: where WeChat reaches a subject, who is there, and how somebody is bound or unbound.
#pragma once

#include "services/portal/context.hpp"

#include <string>
#include <vector>

namespace zhida::portal {

struct wechat_binding {
    std::string id; // digest of the address, by which it is unbound
    std::string role;
    std::string account; // wechat | miniprogram | wecom
    std::string masked;  // of the address, for people to tell them apart
    bool bound = false;  // by its owner; else a register has it
    std::string state;   // reachable | left | refused | no_grant | off (the account is not used)
};
// The first that is reachable is the one that messages go to, but for themes that are another role's.
asio::awaitable<result<std::vector<wechat_binding>>> bindings_of(context& c,
                                                                 const store::stored_profile& subject);

// A QR code (ISO/IEC 18004) with its quiet zone: black squares as a path of SVG in a view of side by side.
struct qr_code {
    std::string path;
    int side = 0;
};
// invalid: the text is too long for one.
result<qr_code> qr_of(const std::string& text);
std::string svg_of(const qr_code& code);

struct binding_code {
    std::string url; // what the QR code says
    qr_code picture;
    wall_time expires{};
};
// invalid: the role is none of the subject's kind. conflict: there is no official account here, or WeChat
// refuses; what to do is said.
asio::awaitable<result<binding_code>> new_binding_code(context& c, const store::stored_profile& subject,
                                                       std::string role);

// not_found: the subject has no such address.
asio::awaitable<result<void>> unbind(context& c, identity by, const store::stored_profile& subject,
                                     std::string id);

} // namespace zhida::portal
