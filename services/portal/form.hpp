// What an HTML form sent: application/x-www-form-urlencoded or multipart/form-data (RFC 7578). Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zhida::portal {

// Field -> value; of a file its content. The last one of a name wins, but an empty file never replaces a
// value. Nothing where the body has another type or is broken.
std::optional<std::map<std::string, std::string>> decode_form_body(std::string_view content_type,
                                                                   std::string_view body);

} // namespace zhida::portal
