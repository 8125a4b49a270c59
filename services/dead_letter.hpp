// What cannot be read goes to zhida.deadletter with the reason, and its partition moves on.
#pragma once

#include "common/io/event_log.hpp"
#include "common/model/cloud_event.hpp"

namespace zhida {

// Appends the record as it came (value in base64, headers) with the errors. Failure: it is not kept, so do
// not move on.
boost::asio::awaitable<result<void>> bury(io::event_log& log, io::log_record record,
                                          std::vector<failure> errors, std::string by, std::string time);

} // namespace zhida
