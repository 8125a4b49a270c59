// What is posted in the platform's name, once it is in clear: XML or JSON.
#include "common/base/utf8.hpp"
#include "services/gateways/wechat_events.hpp"

#include <cstdint>
#include <cstdlib>

using namespace zhida;
using namespace zhida::gateways;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void look_at(const wechat_event& e) {
    must(!e.from.empty() && e.from.size() <= 128 && e.to.size() <= 128 && !e.type.empty());
    must(e.at >= wall_time{} && e.at <= wall_time(milliseconds(4'102'444'800'000)));
    must(e.type.size() <= 64 && e.event.size() <= 64 && e.key.size() <= 128 && e.text.size() <= 4096 &&
         e.msg_id.size() <= 64 && e.status.size() <= 64 && e.entries.size() <= 100);
    for (const auto* text : {&e.from, &e.to, &e.type, &e.event, &e.key, &e.text, &e.msg_id, &e.status})
        must(valid_utf8(*text));
    for (const auto& entry : e.entries)
        must(!entry.template_id.empty() && entry.template_id.size() <= 128 && entry.status.size() <= 64 &&
             entry.msg_id.size() <= 64 && entry.error_status.size() <= 64);
    must(repetition_key(e).size() == 64);
    // An answer that repeats foreign text is still one answer: a text, and read as such.
    const auto answer = read_wechat_event(text_answer(e.from, "gh_1", e.at, e.text));
    must(answer.has_value() && answer->from == "gh_1" && answer->type == "text" && answer->event.empty() &&
         answer->entries.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view posted(reinterpret_cast<const char*>(data), size);
    if (const auto e = read_wechat_event(posted))
        look_at(*e);
    else
        must(e.error().code == errc::invalid && !e.error().what.empty());
    if (const auto e = read_encrypted_event(posted)) must(!e->encrypted.empty() && e->to.size() <= 128);
    return 0;
}
