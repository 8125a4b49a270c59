// What the installation's folder of configuration says of SMS: signatures and templates (sms_content.json),
// and what the codes of its gateways mean (sms_codes.json).
#pragma once

#include "common/model/sms_content.hpp"
#include "services/gateways/code_table.hpp"

#include <string>

namespace zhida {

// io, or what is wrong in the file and with the settings that name its parts, or that it names: all of it, a
// line each, with file and JSON Pointer. Settings are looked at where SMS is enabled.
result<sms_content> load_sms_content(const std::string& config_folder, const sms_config& settings);
result<gateways::code_table> load_sms_codes(const std::string& config_folder, const sms_config& settings);

} // namespace zhida
