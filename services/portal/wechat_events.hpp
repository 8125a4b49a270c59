// What WeChat and WeCom post to /gateways/wechat/events, /gateways/miniprogram/events and
// /gateways/wecom/events. It is answered once it is durable, and within a second whatever happens.
#pragma once

#include "services/portal/routes.hpp"

namespace zhida::portal {

handler_function get_wechat_events; // the platform asks whether the address is ours
handler_function post_wechat_events;

} // namespace zhida::portal
