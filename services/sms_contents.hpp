// Signatures and templates of the installation, from config/sms_content.json.
#pragma once

#include "common/model/sms_content.hpp"

#include <string>

namespace zhida {

// io, or what is wrong in the file and with the settings that name its parts: all of it, a line each, with
// file and JSON Pointer. Settings are looked at where SMS is enabled.
result<sms_content> load_sms_content(const std::string& config_folder, const sms_config& settings);

} // namespace zhida
