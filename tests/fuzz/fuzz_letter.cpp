// Letters of zhida.deadletter, which anybody may write: `zhida dlq` reads them. An input is the data of a
// letter.
#include "services/letters.hpp"

#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    zhida::io::log_record record;
    record.topic = "zhida.deadletter";
    record.headers = {{"ce_specversion", "1.0"},
                      {"ce_id", "1"},
                      {"ce_source", "/zhida/matcher"},
                      {"ce_type", zhida::event_type::dead_letter},
                      {"ce_time", "2026-11-23T21:05:00+08:00"},
                      {"content-type", "application/json"}};
    record.value.assign(reinterpret_cast<const char*>(data), size);
    const auto letter = zhida::read_letter(record);
    if (!letter) {
        require(!letter.error().what.empty() && !letter.error().where.empty());
        return 0;
    }
    require(letter->message.partition >= 0 && letter->offset >= 0);
    if (zhida::may_replay(*letter)) {
        require(letter->whole && letter->message.value.size() == letter->bytes);
        require(letter->message.topic.starts_with("zhida."));
    }
    return 0;
}
