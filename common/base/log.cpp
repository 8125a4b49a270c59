#include "common/base/log.hpp"

#include "common/base/clock.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

namespace zhida::log {

namespace {

struct state {
    std::shared_ptr<spdlog::logger> logger =
        std::make_shared<spdlog::logger>("zhida", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    level lowest = level::info;
    bool json = true;
    state() {
        logger->set_pattern("%v");
        logger->set_level(spdlog::level::trace);
        logger->flush_on(spdlog::level::trace);
    }
};

state& instance() {
    static state only;
    return only;
}

// A text that stays on its line as it is.
bool plain(const nlohmann::json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

constexpr const char* names[] = {"debug", "info", "warn", "error"};

} // namespace

void start(level lowest, std::string_view format) {
    instance().lowest = lowest;
    instance().json = format != "text";
}

void write(level at, std::string_view event, nlohmann::json fields) {
    auto& s = instance();
    if (at < s.lowest) return;
    const auto now = to_rfc3339(system_clock().now());
    const auto dump = [](const nlohmann::json& value) {
        return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    if (s.json) {
        nlohmann::ordered_json line;
        line["time"] = now;
        line["level"] = names[static_cast<int>(at)];
        line["event"] = event;
        for (auto& [key, value] : fields.items()) line[key] = value;
        s.logger->info(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return;
    }
    std::string line = now.substr(11, 12) + " " + names[static_cast<int>(at)] + " " + std::string(event);
    for (auto& [key, value] : fields.items())
        line += " " + key + "=" + (plain(value) ? value.get<std::string>() : dump(value));
    s.logger->info(line);
}

std::string masked(std::string_view personal) {
    if (personal.size() < 8) return "****";
    const std::size_t head = personal.size() >= 16 ? 4 : 3;
    return std::string(personal.substr(0, head)) + "****" + std::string(personal.substr(personal.size() - 4));
}

} // namespace zhida::log
