// What the clouds push to us: anybody may post it who knows the address. The first byte says whose it is.
#include "services/gateways/cloud_receipts.hpp"

#include <cstdint>
#include <cstdlib>

using namespace zhida;
using namespace zhida::gateways;

namespace {

void look_at(const cloud_receipts& got, const char* gateway) {
    for (const auto& r : got.receipts)
        if (r.gateway != gateway || r.message_id.empty() || r.message_id.size() > 300 || r.status.empty() ||
            r.status.size() > 64 || r.phone.size() > 32)
            std::abort();
    for (const auto& f : got.wrong)
        if (f.what.empty() || f.where.empty()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    const wall_time now{milliseconds(1'795'409'739'000)};
    if (data[0] % 3 == 0) {
        if (const auto got = read_aliyun_receipts(body, "a", "secret", now)) look_at(*got, "a");
    } else if (data[0] % 3 == 1) {
        if (const auto got = read_tencent_receipts(body, "t", now)) look_at(*got, "t");
    } else if (const auto list = parse_json(body); list && list->is_array()) {
        look_at(read_pulled_receipts(*list, "p", now), "p");
    }
    return 0;
}
