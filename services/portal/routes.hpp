// The one way to add a route to the portal: it names who may call it, and every request passes the same guard
// (sign-in, cross-site checks, security headers) before its handler.
#pragma once

#include "services/portal/access.hpp"
#include "services/portal/context.hpp"
#include "services/portal/texts.hpp"

#include <deque>

namespace zhida::portal {

// Who asks, and how they want to see it.
struct visitor {
    identity who;
    std::string called;               // a subject's name, on pages; empty where it is not known
    std::optional<subject_type> kind; // the same
    language in = language::zh;
    bool large_type = false;
    std::map<std::string, std::string> form; // of a page's POST, its token already checked
};

using handler_function = asio::awaitable<io::http_response>(context&, visitor, io::http_request);

// JSON · HTML · health, metrics, assets · what other services post to us: no browser sends it, so that there
// is no session to abuse, and its handler alone knows who may
enum class surface { api, page, plain, callback };

struct route_rule {
    std::string verb, path;
    surface as = surface::api;
    audience who;
    handler_function* handler = nullptr;
    bool signs_in = false; // a form that comes before there is a session, so without a form token
};

const std::vector<route_rule>& route_table();

// Routes of the table behind the guard. The context must outlive the router.
io::http_router make_router(context& c);

// What the server itself answers (404, 405, 413 ...): a page for pages, a problem for the API.
io::http_response error_answer(context& c, int status, std::string detail, const io::http_request* r);

// On every answer.
void add_security_headers(io::http_response& r);

} // namespace zhida::portal
