// Handlers of the API, one file each group; routes.cpp lists them.
#pragma once

#include "services/portal/routes.hpp"

namespace zhida::portal {

handler_function api_publish_policy;
handler_function api_check_policy;
handler_function api_list_policies;
handler_function api_get_policy;
handler_function api_get_policy_document;

handler_function api_preview_audience;

handler_function api_list_campaigns;
handler_function api_get_campaign;
handler_function api_act_on_campaign;
handler_function api_further_round;
handler_function api_test_campaign;
// By name of campaign_action; not_found where the campaign is not theirs to see.
asio::awaitable<result<campaign>> act_on_campaign(context& c, identity who, std::string id,
                                                  std::string action, std::string note);

handler_function api_get_packages;
handler_function api_get_checkup;
handler_function api_read_package;
handler_function api_opt_out;
handler_function api_opt_in;
handler_function api_get_preferences;
handler_function api_put_preferences;
handler_function api_get_wechat;
handler_function api_post_wechat_code;
handler_function api_delete_wechat;
handler_function api_number_out;
handler_function api_number_in;

handler_function api_list_feedback;

handler_function api_gateways;
handler_function api_dead_letters;
handler_function api_summary;
handler_function api_openapi;

handler_function api_subject_live;
handler_function api_staff_live;

handler_function get_health;
handler_function get_ready;
handler_function get_metrics;
handler_function get_asset;
handler_function get_favicon;

} // namespace zhida::portal
