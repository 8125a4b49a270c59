// A signed request to a cloud, as common/io/http_client sends it: POST.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace zhida::gateways {

struct cloud_call {
    std::string target; // with its query
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

// What goes into the header Host, and into the signature: "https://host:1/" -> "host:1".
std::string host_of(const std::string& base_url);

// A code of a vendor is short and plain; whatever else stands in its place is no answer of a vendor's.
bool plain_code(const std::string& code);

} // namespace zhida::gateways
