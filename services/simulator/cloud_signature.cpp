#include "services/simulator/cloud_signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

namespace zhida::simulator {

namespace {

// Names in rising order, so none is there twice; nothing for a list that no client would write.
std::vector<std::string> header_names(std::string_view list) {
    std::vector<std::string> out;
    while (true) {
        const auto end = list.find(';');
        const auto name = list.substr(0, end);
        if (name.empty() || (!out.empty() && name <= out.back())) return {};
        for (const char c : name)
            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return {};
        out.emplace_back(name);
        if (end == std::string_view::npos) return out;
        list.remove_prefix(end + 1);
    }
}

} // namespace

std::string_view signed_request::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<authorization> parse_authorization(std::string_view header, std::string_view algorithm) {
    if (!header.starts_with(algorithm) || header.substr(algorithm.size(), 1) != " ") return std::nullopt;
    header.remove_prefix(algorithm.size() + 1);
    authorization out;
    while (true) {
        const auto end = header.find(',');
        const auto part = header.substr(0, end);
        const auto equals = part.find('=');
        if (equals == std::string_view::npos || equals + 1 == part.size()) return std::nullopt;
        const auto name = part.substr(0, equals);
        auto* const value = name == "Credential"      ? &out.credential
                            : name == "SignedHeaders" ? &out.signed_list
                            : name == "Signature"     ? &out.signature
                                                      : nullptr;
        if (!value || !value->empty()) return std::nullopt;
        *value = part.substr(equals + 1);
        if (end == std::string_view::npos) break;
        header.remove_prefix(end + 1);
        if (header.starts_with(' ')) header.remove_prefix(1);
    }
    out.signed_headers = header_names(out.signed_list);
    if (out.credential.empty() || out.signature.empty() || out.signed_headers.empty()) return std::nullopt;
    return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned length = 0;
    if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data(), &length))
        throw std::runtime_error("OpenSSL failed: HMAC-SHA256");
    return {reinterpret_cast<const char*>(out.data()), length};
}

} // namespace zhida::simulator
