// The pure parts of the HTTP server that read foreign bytes. What decodes must be safe to use.
#include "common/base/utf8.hpp"
#include "common/io/http_decode.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = zhida::io::decode_target(text)) {
        if (target->path.empty() || target->path.front() != '/') std::abort();
        if (!zhida::valid_utf8(target->path)) std::abort();
        if (target->path.find("/../") != std::string::npos || target->path.ends_with("/..")) std::abort();
        for (const char c : target->path)
            if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
    if (const auto form = zhida::io::decode_form(text))
        for (const auto& [name, value] : *form)
            if (!zhida::valid_utf8(name) || !zhida::valid_utf8(value)) std::abort();
    for (const auto& [name, value] : zhida::io::decode_cookies(text))
        if (name.empty() || name.find('=') != std::string::npos) std::abort();
    if (zhida::io::head_fault(text).empty() && !text.ends_with("\r\n\r\n")) std::abort();
    const auto decoded = zhida::io::percent_decode(zhida::io::percent_encode(text), false);
    if (decoded ? *decoded != text : text.find('\0') == std::string_view::npos) std::abort();
    return 0;
}
