#include "services/profiles/synthetic_contacts.hpp"

namespace zhida::profiles {

namespace {

// Enterprises use the even serials, residents the odd ones.
std::int64_t enterprise_serial(std::int64_t index, std::size_t contact) {
    return (index * 3 + static_cast<std::int64_t>(contact)) * 2;
}
std::int64_t resident_serial(std::int64_t index, std::size_t contact) {
    return (index * 2 + static_cast<std::int64_t>(contact)) * 2 + 1;
}

} // namespace

std::string synthetic_phone(std::int64_t serial) {
    // Spread over the digits; the factor has no common divisor with 10^8, so no two serials meet.
    auto digits = std::to_string(static_cast<std::uint64_t>(serial) % 100000000U * 37717U % 100000000U);
    return "164" + std::string(8 - digits.size(), '0') + digits;
}

std::string synthetic_openid(random_stream& r) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    std::string id = "oSYN";
    while (id.size() < 28) {
        auto bits = r.next();
        for (int i = 0; i < 8; ++i, bits >>= 6) id += alphabet[bits & 63];
    }
    return id;
}

void add_enterprise_contacts(profile& p, std::int64_t index, random_stream& r) {
    if (r.chance(0.08)) return; // nobody to reach
    static constexpr const char* roles[] = {"法人", "财务", "人事"};
    static const weighted counts{45, 35, 20};
    const auto count = counts.pick(r) + 1;
    for (std::size_t k = 0; k < count; ++k) {
        contact c{roles[k], "", ""};
        if (!r.chance(0.05)) c.phone = synthetic_phone(enterprise_serial(index, k));
        if (r.chance(0.6)) c.openid = synthetic_openid(r);
        if (!c.phone.empty() || !c.openid.empty()) p.contacts.push_back(std::move(c));
    }
}

void add_resident_contacts(profile& p, std::int64_t index, int age, random_stream& r) {
    if (age < 14) return;
    const double phone = age < 18 ? 0.5 : age < 70 ? 0.92 : 0.6;
    const double openid = age < 60 ? 0.65 : age < 75 ? 0.4 : 0.12;
    contact own{"本人", "", ""};
    if (r.chance(phone)) own.phone = synthetic_phone(resident_serial(index, 0));
    if (r.chance(openid)) own.openid = synthetic_openid(r);
    if (!own.phone.empty() || !own.openid.empty()) p.contacts.push_back(std::move(own));
    if (age >= 70 && r.chance(0.4))
        p.contacts.push_back({"家属", synthetic_phone(resident_serial(index, 1)), ""});
}

} // namespace zhida::profiles
