// What a server answers under the name of a cloud.
#include "services/gateways/aliyun_request.hpp"
#include "services/gateways/tencent_request.hpp"

#include <cstdint>
#include <cstdlib>

using namespace zhida::gateways;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    if (const auto a = aliyun::read_answer(body))
        if (!plain_code(a->Code) || a->BizId.size() > 128) std::abort();
    if (const auto d = aliyun::read_send_details(body))
        if (d->head.Code != "OK" && (d->whole || !d->out_ids.empty())) std::abort();
    if (const auto t = tencent::read_answer(body)) {
        if (!t->Code.empty() && !plain_code(t->Code)) std::abort();
        for (const auto& s : t->sent_to)
            if (!plain_code(s.Code) || s.SerialNo.size() > 128) std::abort();
    }
    return 0;
}
