#include "services/gateways/cloud_call.hpp"

#include <algorithm>

namespace zhida::gateways {

std::string host_of(const std::string& base_url) {
    const auto scheme = base_url.find("://");
    const auto from = scheme == std::string::npos ? 0 : scheme + 3;
    return base_url.substr(from, base_url.find('/', from) - from);
}

bool plain_code(const std::string& code) {
    return !code.empty() && code.size() <= 100 && std::all_of(code.begin(), code.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    });
}

} // namespace zhida::gateways
