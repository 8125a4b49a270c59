#include "services/sms_contents.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace zhida {

result<sms_content> load_sms_content(const std::string& config_folder, const sms_config& settings) {
    const auto file = config_folder + "/sms_content.json";
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad())
        return failure{errc::io, std::string("cannot be read: ") + std::strerror(errno), file,
                       "it comes with the configuration"};
    std::vector<failure> errors;
    auto document = parse_json(text);
    auto read = document ? read_sms_content(*document, errors) : result<sms_content>(document.error());
    if (!document) errors.push_back(document.error());
    for (auto& e : errors) e.where = file + (e.where.empty() ? "" : "#" + e.where);
    if (read && settings.enabled)
        for (auto& e : check_sms_settings(*read, settings)) errors.push_back(std::move(e));
    if (errors.empty()) return read;
    auto all = errors.front();
    for (std::size_t i = 1; i < errors.size(); ++i) {
        if (i == 1) all = {errc::invalid, all.text(), "", ""};
        all.what += "\n" + errors[i].text();
    }
    return all;
}

} // namespace zhida
