// Phone numbers as the simulated SMS gateways take them. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace zhida::simulator {

inline bool mainland_mobile(std::string_view phone) {
    return phone.size() == 11 && phone[0] == '1' &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Without +86 or 86.
inline std::string short_phone(std::string_view phone) {
    for (const std::string_view prefix : {"+86", "86"})
        if (phone.starts_with(prefix) && phone.size() == prefix.size() + 11)
            return std::string(phone.substr(prefix.size()));
    return std::string(phone);
}

} // namespace zhida::simulator
