#include "common/base/json.hpp"
#include "common/model/profile.hpp"

namespace zhida {

std::string contacts_text(const std::vector<contact>& contacts) {
    json list = json::array();
    for (const auto& c : contacts) list.push_back(json::array({c.role, c.phone, c.openid}));
    return to_text(list);
}

result<std::vector<contact>> parse_contacts(std::string_view text) {
    const auto list = parse_json(text, {.bytes = 8192, .depth = 2});
    const failure bad{errc::invalid, "not a list of contacts", "",
                      "[[role, phone, openid], ...], at most " + std::to_string(max_contacts)};
    if (!list) return list.error();
    if (!list->is_array() || list->size() > max_contacts) return bad;
    std::vector<contact> contacts;
    for (const auto& one : *list) {
        if (!one.is_array() || one.size() != 3) return bad;
        for (const auto& part : one)
            if (!part.is_string()) return bad;
        contacts.push_back({one[0].get<std::string>(), one[1].get<std::string>(), one[2].get<std::string>()});
    }
    return contacts;
}

} // namespace zhida
