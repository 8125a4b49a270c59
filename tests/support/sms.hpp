// What is configured of short messages, for tests.
#pragma once

#include "services/dispatcher/sms_message.hpp"
#include "services/sms_contents.hpp"
#include "tests/support/folders.hpp"

#include <string>

namespace zhida::tests {

// config/sms_content.json as it comes.
inline const sms_content& content_as_shipped() {
    static const auto content = load_sms_content(in_source("config"), sms_config{}).value();
    return content;
}

// As it is read by its recipient.
inline std::string text_of(const dispatcher::sms_words& words, const std::string& signature = "直达演示",
                           bool emergency = false, std::int32_t today = 20'000) {
    return dispatcher::sms_of({content_as_shipped(), signature}, "", words, emergency, today).body.text;
}

} // namespace zhida::tests
