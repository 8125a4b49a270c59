#include "services/simulator/message_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <tuple>

namespace zhida::simulator {

namespace {

failure no_file(const std::string& file, const char* what) {
    return {errc::io, std::string(what) + ": " + std::strerror(errno), file,
            "check simulator.record_file, the folder and the space left"};
}

} // namespace

json to_json(const message& m) {
    json out = {{"time", to_rfc3339(wall_time(milliseconds(m.time_ms)))},
                {"time_ms", m.time_ms},
                {"channel", m.channel},
                {"to", m.to},
                {"id", m.id}};
    out.update(m.more);
    return out;
}

bool from_json(const json& line, message& out) {
    std::vector<failure> errors;
    json_reader in(line, "", errors);
    if (!in.is_object()) return false;
    out.time_ms = in.integer("time_ms", true, 0, INT64_MAX).value_or(0);
    out.channel = in.text("channel", true).value_or("");
    out.to = in.text("to", true).value_or("");
    out.id = in.text("id", true).value_or("");
    out.more = line;
    for (const char* known : {"time", "time_ms", "channel", "to", "id"}) out.more.erase(known);
    return errors.empty();
}

message_log::~message_log() {
    if (fd_ >= 0) ::close(fd_);
}

result<void> message_log::open(const std::string& file) {
    if (file.empty()) return {};
    file_ = file;
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::size_t whole = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', whole)) {
        const auto line = parse_json(std::string_view(text).substr(whole, end - whole));
        message m;
        if (!line || !from_json(*line, m))
            return failure{errc::invalid, "not a record of a message, at byte " + std::to_string(whole), file,
                           "name another simulator.record_file or remove this one"};
        messages_.push_back(std::move(m));
        whole = end + 1;
    }
    fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0) return no_file(file, "cannot be opened");
    if (whole < text.size() && ::ftruncate(fd_, static_cast<off_t>(whole)) != 0)
        return no_file(file, "the torn last line cannot be cut off");
    return {};
}

result<void> message_log::add(message m) {
    if (fd_ >= 0) {
        // One write: it is in the kernel when it returns and survives this process, if not the machine.
        const auto line = to_text(to_json(m)) + "\n";
        const auto written = ::write(fd_, line.data(), line.size());
        if (written != static_cast<ssize_t>(line.size())) return no_file(file_, "cannot be written");
    }
    messages_.push_back(std::move(m));
    return {};
}

std::vector<message> message_log::find(const message_filter& f) const {
    std::vector<message> out;
    for (const auto& m : messages_)
        if ((f.channel.empty() || m.channel == f.channel) && (f.to.empty() || m.to == f.to) &&
            m.time_ms >= f.since_ms)
            out.push_back(m);
    return out;
}

result<void> message_log::clear() {
    if (fd_ >= 0 && ::ftruncate(fd_, 0) != 0) return no_file(file_, "cannot be emptied");
    messages_.clear();
    return {};
}

std::vector<message> assembled(const std::vector<message>& parts) {
    using key = std::tuple<std::string, std::string, std::int64_t, std::int64_t>;
    struct group {
        std::size_t at; // of its first part in the result
        std::map<std::int64_t, const message*> numbered;
    };
    std::vector<message> out;
    std::map<key, group> open;
    std::vector<bool> dropped;
    for (const auto& m : parts) {
        const auto total = m.more.value("parts", std::int64_t{1});
        out.push_back(m);
        dropped.push_back(false);
        if (m.channel != "sms" || total <= 1) continue;
        const key k{m.to, m.more.value("src_id", ""), m.more.value("udh_ref", std::int64_t{0}), total};
        auto& g = open.try_emplace(k, group{out.size() - 1, {}}).first->second;
        // The same part again belongs to another text with the same reference: a new group.
        const auto number = m.more.value("part", std::int64_t{1});
        if (g.numbered.contains(number)) {
            for (const auto& [unused, part] : g.numbered)
                dropped[static_cast<std::size_t>(part - parts.data())] = false;
            g = group{out.size() - 1, {}};
        }
        g.numbered[number] = &m;
        if (out.size() - 1 != g.at) dropped.back() = true;
        if (static_cast<std::int64_t>(g.numbered.size()) < total) continue;
        std::string text;
        json ids = json::array();
        for (const auto& [unused, part] : g.numbered) {
            text += part->more.value("text", "");
            ids.push_back(part->id);
        }
        auto& whole = out[g.at];
        whole.more["text"] = text;
        whole.more["ids"] = ids;
        whole.more.erase("part");
        open.erase(k);
    }
    // Parts of a text that never became whole are shown as they came.
    for (const auto& [unused, g] : open)
        for (const auto& [number, part] : g.numbered)
            dropped[static_cast<std::size_t>(part - parts.data())] = false;
    std::vector<message> kept;
    for (std::size_t i = 0; i < out.size(); ++i)
        if (!dropped[i]) kept.push_back(std::move(out[i]));
    return kept;
}

} // namespace zhida::simulator
