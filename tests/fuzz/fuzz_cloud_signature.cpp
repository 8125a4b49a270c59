// Authorizations and queries as a client of the clouds may send them. The first line is the authorization,
// the second the query, the rest the body.
#include "services/simulator/acs3_check.hpp"
#include "services/simulator/tc3_check.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zhida::simulator;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = [&text] {
        const auto end = text.find('\n');
        const auto found = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        return std::string(found);
    };
    const auto authorization = line();
    const auto query = line();
    const std::map<std::string, std::string> headers = {{"authorization", authorization},
                                                        {"content-type", "application/json"},
                                                        {"host", "127.0.0.1:7891"},
                                                        {"x-acs-date", "2026-11-23T04:55:39Z"},
                                                        {"x-acs-signature-nonce", "0123456789"},
                                                        {"x-tc-timestamp", "1795409739"}};
    const auto target = "/?" + query;
    const signed_request r{"POST", target, headers, text};
    const zhida::wall_time now{std::chrono::seconds(1'795'409'739)};
    // Nobody here knows these secrets.
    const std::vector<access_key> keys = {{"AKIDtest", "8c1d6f0e5b7a49d2"}};
    if (check_acs3(r, keys, now).good() || check_tc3(r, keys, now).good()) std::abort();
    // The server refuses a target with a NUL before.
    if (const auto canonical = acs3_canonical_query(query); canonical && query.find('\0') == query.npos)
        if (acs3_canonical_query(*canonical) != *canonical) std::abort();
    return 0;
}
