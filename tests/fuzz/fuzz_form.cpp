// Bodies of HTML forms: the first line is the content type, the rest the body.
#include "services/portal/form.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = text.find('\n');
    const auto type = line == std::string_view::npos ? std::string_view("multipart/form-data; boundary=b")
                                                     : text.substr(0, line);
    const auto body = line == std::string_view::npos ? text : text.substr(line + 1);
    for (const auto t : {type, std::string_view("multipart/form-data; boundary=b")})
        if (const auto form = zhida::portal::decode_form_body(t, body)) {
            std::size_t total = 0;
            for (const auto& [name, value] : *form) total += value.size();
            if (total > body.size()) std::abort();
        }
    return 0;
}
