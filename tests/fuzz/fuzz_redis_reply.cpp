// What a server sends: any bytes in pieces of any size must end in replies or in a failure.
#include "common/io/redis_wire.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    zhida::io::redis_reply_reader reader({1 << 16, 1 << 10});
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::size_t piece = rest.empty() ? 1 : 1 + static_cast<unsigned char>(rest[0]) % 64;
    while (!rest.empty()) {
        reader.feed(rest.substr(0, piece));
        rest.remove_prefix(std::min(piece, rest.size()));
        for (;;) {
            const auto reply = reader.next();
            if (!reply) return 0;
            if (!*reply) break;
        }
    }
    return 0;
}
