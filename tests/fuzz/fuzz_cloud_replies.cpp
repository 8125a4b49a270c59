// What the clouds push when somebody writes back: anybody who knows the path may post it.
#include "common/base/utf8.hpp"
#include "services/gateways/cloud_replies.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zhida;
    using namespace zhida::gateways;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    const wall_time now{milliseconds(1'795'000'000'000)};
    for (const auto read : {read_aliyun_replies, read_tencent_replies}) {
        const auto found = read(body, "cloud", now);
        if (!found) {
            require(!found.error().what.empty());
            continue;
        }
        for (const auto& m : found->replies) {
            require(m.gateway == "cloud" && m.phone.size() >= 5 && m.phone.size() <= 20);
            require(std::all_of(m.phone.begin(), m.phone.end(), [](char c) { return c >= '0' && c <= '9'; }));
            require(valid_utf8(m.text) && m.text.size() <= 4096);
        }
        for (const auto& f : found->wrong) require(f.where.starts_with("/") && !f.what.empty());
    }
    return 0;
}
