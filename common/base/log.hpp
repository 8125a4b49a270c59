// JSON lines on standard error. Never pass a phone number, an openid or a name: pass ids (masked where they
// are personal).
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace zhida::log {

enum class level { debug, info, warn, error };

// `format`: "json" (one object a line) or "text" (for a terminal). Threads may log at once.
void start(level lowest, std::string_view format);

void write(level, std::string_view event, nlohmann::json fields = nlohmann::json::object());

inline void debug(std::string_view event, nlohmann::json fields = nlohmann::json::object()) {
    write(level::debug, event, std::move(fields));
}
inline void info(std::string_view event, nlohmann::json fields = nlohmann::json::object()) {
    write(level::info, event, std::move(fields));
}
inline void warn(std::string_view event, nlohmann::json fields = nlohmann::json::object()) {
    write(level::warn, event, std::move(fields));
}
inline void error(std::string_view event, nlohmann::json fields = nlohmann::json::object()) {
    write(level::error, event, std::move(fields));
}

// "138****0001", "oABC****wxyz": first three or four and last four characters stay.
std::string masked(std::string_view personal);

} // namespace zhida::log
