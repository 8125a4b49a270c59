// What cannot be read goes to zhida.deadletter with the reason, and its partition moves on.
#pragma once

#include "common/io/event_log.hpp"
#include "common/model/cloud_event.hpp"

namespace zhida {

// What a letter keeps of a record; beyond that it is cut, and the record cannot be handed in again.
namespace letter_limits {
inline constexpr std::size_t value = 512 << 10, headers = 32, header_name = 256, header = 1024, key = 1024;
}

// Appends the record as it came (value in base64, headers) with the errors. Failure: it is not kept, so do
// not move on.
boost::asio::awaitable<result<void>> bury(io::event_log& log, io::log_record record,
                                          std::vector<failure> errors, std::string by, std::string time);

} // namespace zhida
