#include "services/gateways/wechat_codes.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways {

namespace {

using enum send_outcome;
using next = wechat_reaction::next;

constexpr wechat_reaction table[] = {
    {0, accepted, next::none, "", 0, false, "ok"},

    {-1, retry, next::none, "", 5000, false, "the platform is busy"},
    {45011, retry, next::none, "", 5000, false, "called too often"},
    {43108, retry, next::none, "", 2000, false, "sent at the same time"},
    {45066, retry, next::none, "", 60000, false, "the same client_msg_id is being sent"},

    {40001, retry, next::refresh_token, "", 30000, false, "access_token is not the latest"},
    {40014, retry, next::refresh_token, "", 30000, false, "access_token is not valid"},
    {42001, retry, next::refresh_token, "", 30000, false, "access_token has expired"},

    {40013, stopped, next::stop_credentials, "", 0, true, "appid is not valid: check wechat.appid"},
    {40164, stopped, next::stop_credentials, "", 0, true,
     "this address is not in the account's IP allow-list"},
    {40125, stopped, next::stop_credentials, "", 0, true, "secret is not valid: check wechat.secret"},
    {40243, stopped, next::stop_credentials, "", 0, true, "secret is frozen"},
    {89503, stopped, next::stop_credentials, "", 0, true,
     "this address waits for an administrator's consent"},
    {89506, stopped, next::stop_credentials, "", 0, true, "this address was refused by an administrator"},
    {48001, stopped, next::stop_credentials, "", 0, true, "the account may not use this interface"},
    {48004, stopped, next::stop_credentials, "", 0, true, "the interface is banned for the account"},
    {43107, stopped, next::stop_credentials, "", 0, true, "the account's ability to send is banned"},
    {50002, stopped, next::stop_credentials, "", 0, true, "the account is restricted"},
    {45109, stopped, next::stop_credentials, "", 0, true, "the interface was withdrawn"},

    {45009, stopped, next::stop_quota, "", 0, true, "the day's quota is used up"},
    {48006, stopped, next::stop_quota, "", 0, true, "the quota cannot be cleared any more this month"},

    {43101, rejected, next::none, "refused", 0, false, "refuses messages of this template"},
    {43116, rejected, next::none, "refused", 0, false, "refuses messages of this template"},
    {43004, rejected, next::none, "not_following", 0, false, "does not follow the account"},
    {50005, rejected, next::none, "not_following", 0, false, "does not follow the account"},
    {46004, rejected, next::none, "not_following", 0, false, "no such user"},
    {43019, rejected, next::none, "not_following", 0, false, "is in the account's blacklist"},
    {48002, rejected, next::none, "not_following", 0, false, "receives no messages"},
    {40003, rejected, next::none, "bad_number", 0, false, "openid is not valid here"},
    {40031, rejected, next::none, "bad_number", 0, false, "openid is not valid here"},

    {47003, rejected, next::none, "content", 0, true, "a field does not fit the template"},
    {40037, rejected, next::none, "content", 0, true, "template_id is not valid: check wechat.template_id"},
    {40036, rejected, next::none, "content", 0, true, "template_id has a wrong length"},
    {41030, rejected, next::none, "content", 0, true, "page is not valid"},
    {45002, rejected, next::none, "content", 0, true, "too long"},
    {45168, rejected, next::none, "content", 0, true, "contains sensitive words"},
    {47001, rejected, next::none, "content", 0, true, "the body is not JSON"},
    {40033, rejected, next::none, "content", 0, true, "the body has \\u escapes"},
    {40035, rejected, next::none, "content", 0, true, "a parameter is not valid"},
    {41001, rejected, next::none, "", 0, true, "access_token was missing: our mistake"},

    {40241, accepted, next::none, "", 0, false, "sent already within 60 s"},
    {45065, accepted, next::none, "", 0, false, "sent already"},
};
constexpr wechat_reaction any_other = {
    -2, rejected, next::none, "", 0, true, "a code nobody has told us about"};

} // namespace

const wechat_reaction& wechat_reaction_to(std::int64_t errcode) noexcept {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& row) { return row.errcode == errcode; });
    return found == std::end(table) ? any_other : *found;
}

} // namespace zhida::gateways
