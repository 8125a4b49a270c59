#include "services/sms_contents.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace zhida {

namespace {

result<std::string> text_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad())
        return failure{errc::io, std::string("cannot be read: ") + std::strerror(errno), file,
                       "it comes with the configuration"};
    return text;
}

// At least one, as one.
failure all_of(const std::vector<failure>& errors) {
    auto all = errors.front();
    for (std::size_t i = 1; i < errors.size(); ++i) {
        if (i == 1) all = {errc::invalid, all.text(), "", ""};
        all.what += "\n" + errors[i].text();
    }
    return all;
}

void name_file(std::vector<failure>& errors, const std::string& file) {
    for (auto& e : errors) e.where = file + (e.where.empty() ? "" : "#" + e.where);
}

} // namespace

result<sms_content> load_sms_content(const std::string& config_folder, const sms_config& settings) {
    const auto file = config_folder + "/sms_content.json";
    const auto text = text_of(file);
    if (!text) return text.error();
    std::vector<failure> errors;
    auto document = parse_json(*text);
    auto read = document ? read_sms_content(*document, errors) : result<sms_content>(document.error());
    if (!document) errors.push_back(document.error());
    name_file(errors, file);
    if (read && settings.enabled)
        for (auto& e : check_sms_settings(*read, settings)) errors.push_back(std::move(e));
    if (errors.empty()) return read;
    return all_of(errors);
}

result<gateways::code_table> load_sms_codes(const std::string& config_folder, const sms_config& settings) {
    const auto file = config_folder + "/sms_codes.json";
    const auto text = text_of(file);
    if (!text) return text.error();
    std::vector<failure> errors;
    auto document = parse_json(*text);
    auto read = document ? gateways::code_table::read(*document, errors)
                         : result<gateways::code_table>(document.error());
    if (!document) errors.push_back(document.error());
    if (read && settings.enabled) errors = read->check(settings);
    if (errors.empty()) return read;
    name_file(errors, file);
    return all_of(errors);
}

} // namespace zhida
