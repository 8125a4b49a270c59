// Handlers of the pages, one file each audience; routes.cpp lists them.
#pragma once

#include "services/portal/api.hpp"

namespace zhida::portal {

handler_function page_landing;
handler_function post_sign_in;
handler_function post_sign_out;

handler_function page_subject; // /enterprise and /resident
handler_function page_checkup; // of who is signed in
handler_function post_read;
handler_function post_opt_out;

handler_function page_preferences; // of who is signed in
handler_function post_preferences;
handler_function page_wechat;      // of who is signed in
handler_function post_wechat_code; // role
handler_function post_wechat_unbind;

handler_function page_policies;
handler_function page_policy;

handler_function page_department;
handler_function post_publish;
handler_function page_campaign;
handler_function post_campaign_act;
handler_function post_campaign_test;

handler_function page_feedback;
handler_function post_feedback_assign;

handler_function page_operator;

// The model that every page shares, and the page around it. `model` holds at least "title".
io::http_response render_page(context& c, const visitor& v, const io::http_request& r,
                              const std::string& name, json model, int status = 200);
io::http_response error_page(context& c, const visitor& v, const io::http_request& r, int status,
                             const std::string& detail);
io::http_response page_of_failure(context& c, const visitor& v, const io::http_request& r, const failure& f);
// 303 See Other.
io::http_response redirect(const std::string& to);
// Where a signed-in visitor belongs; "/" for nobody.
std::string home_of(const identity& who);

} // namespace zhida::portal
