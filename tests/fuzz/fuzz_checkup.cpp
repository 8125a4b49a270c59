// What a matcher answers to a check-up, and the page made of it.
#include "services/portal/checkup.hpp"
#include "services/portal/views.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zhida;
    const auto read = portal::read_checkup({reinterpret_cast<const char*>(data), size});
    if (!read) {
        if (read.error().what.empty()) std::abort();
        return 0;
    }
    for (const auto in : {portal::language::zh, portal::language::en})
        if (portal::checkup_view(*read, in).at("lists").size() != 3) std::abort();
    return 0;
}
