// Errors of the API: RFC 9457 with stable types under /problems/ and a Chinese detail.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/io/http_server.hpp"

#include <vector>

namespace zhida::portal {

io::http_response unauthenticated(bool demo_sign_in); // 401
io::http_response forbidden(std::string detail);      // 403
io::http_response cross_site();                       // 403
io::http_response not_found(std::string what);        // 404: "没有<what>"
io::http_response bad_request(std::string detail);    // 400
// By its code: not_found 404, invalid 422, conflict 409, the rest 503.
io::http_response of_failure(const failure& f);
// 422 with {"errors":[{"pointer","what","fix"}]}
io::http_response policy_invalid(const std::vector<failure>& errors);
json errors_document(const std::vector<failure>& errors);

io::http_response json_answer(const json& body, int status = 200);
// 304 where the request has it already.
io::http_response with_etag(io::http_response out, const io::http_request& r, const std::string& etag);

} // namespace zhida::portal
