// What a server answers under the name of WeChat or WeCom.
#include "common/base/utf8.hpp"
#include "services/gateways/wechat_answer.hpp"

#include <cstdint>
#include <cstdlib>

using namespace zhida;
using namespace zhida::gateways;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    const wall_time now{milliseconds(1'795'409'739'000)};
    const auto a = read_wechat_answer(body);
    if (!a) {
        if (a.error().what.empty() || a.error().code != errc::invalid) std::abort();
        return 0;
    }
    if (!a->body.is_object() || a->errmsg.size() > 512 || !valid_utf8(a->errmsg) || a->rid.size() > 64 ||
        a->msgid.size() > 64 || (!a->rid.empty() && a->errmsg.find(a->rid) == std::string::npos))
        std::abort();
    if (!a->body.contains("errcode") && a->errcode != 0) std::abort();
    if (const auto t = read_token_answer(*a, now)) {
        if (a->errcode != 0 || t->value.empty() || t->value.size() > 4096 || t->expires <= now ||
            t->expires > now + std::chrono::hours(24))
            std::abort();
        for (const char c : t->value)
            if (c <= ' ' || c > '~') std::abort();
    } else if (t.error().what.empty() || (a->errcode != 0) != (t.error().code == errc::refused)) {
        std::abort();
    }
    return 0;
}
