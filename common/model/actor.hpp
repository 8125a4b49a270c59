// Who did something, as histories, events and logs name them.
#pragma once

#include <string>

namespace zhida {

// Whether the role may is decided by who asks for it (services/portal/access.hpp).
struct actor {
    std::string name; // of the account; a subject's id; "sms", "wechat"; empty only for a role of ours
    std::string role; // operator, department, subject, gateway; of ours: rule, system
    bool operator==(const actor&) const = default;
};

} // namespace zhida
