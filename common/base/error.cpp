#include "common/base/error.hpp"

namespace zhida {

const char* to_string(errc code) noexcept {
    switch (code) {
    case errc::invalid:
        return "invalid";
    case errc::not_found:
        return "not_found";
    case errc::conflict:
        return "conflict";
    case errc::unavailable:
        return "unavailable";
    case errc::timeout:
        return "timeout";
    case errc::refused:
        return "refused";
    case errc::exhausted:
        return "exhausted";
    case errc::cancelled:
        return "cancelled";
    case errc::io:
        return "io";
    }
    return "unknown";
}

std::string failure::text() const {
    std::string line;
    if (!where.empty()) line += where + ": ";
    line += what;
    if (!fix.empty()) line += " (" + fix + ")";
    return line;
}

} // namespace zhida
