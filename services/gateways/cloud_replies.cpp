#include "services/gateways/cloud_replies.hpp"

#include "services/gateways/cloud_entry.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

constexpr std::size_t most_entries = 10'000, most_text = 4096, most_number = 32, most_id = 64;

// 11 digits of the mainland without their code; others with it, as digits.
std::string plain_number(std::string_view number, std::string_view country) {
    for (const std::string_view prefix : {"+", "00"})
        if (number.starts_with(prefix)) number.remove_prefix(prefix.size());
    if (number.size() == 13 && number.starts_with("86")) number.remove_prefix(2);
    if (country.starts_with('+')) country.remove_prefix(1);
    const bool foreign = !country.empty() && country != "86" && !number.starts_with(country);
    return (foreign ? std::string(country) : std::string()) + std::string(number);
}

std::string phone_of(json_reader& in, std::string_view member, const std::string& country) {
    const auto phone = plain_number(in.text(member, true, most_number).value_or(""), country);
    const bool digits = std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (in.errors().empty() && (!digits || phone.size() < 5 || phone.size() > 20))
        in.error_at(member, "is no phone number");
    return phone;
}

// May be empty: a picture, or nothing at all.
std::string words_of(json_reader& in, std::string_view member) {
    const auto* words = in.has(member) ? in[member].value().get_ptr<const std::string*>() : nullptr;
    if (words && words->empty()) return "";
    return in.text(member, true, most_text).value_or("");
}

inbound_sms of_aliyun(json_reader& in, wall_time now) {
    inbound_sms m;
    m.phone = phone_of(in, "phone_number", "");
    m.text = words_of(in, "content");
    m.to = text_if_any(in, "dest_code", most_id);
    m.id = text_if_any(in, "sequence_id", most_id);
    m.at = time_if_any(in, "send_time", now);
    if (m.id.empty()) m.id = text_if_any(in, "send_time", most_id);
    return m;
}

inbound_sms of_tencent(json_reader& in, wall_time now) {
    inbound_sms m;
    m.phone = phone_of(in, "mobile", text_if_any(in, "nationcode", most_id));
    m.text = words_of(in, "text");
    m.to = text_if_any(in, "extend", most_id);
    m.id = text_if_any(in, "time", most_id); // the second it came in: they number nothing
    m.at = seconds_if_any(in, "time", now);
    return m;
}

result<json> read_list(std::string_view body) {
    auto list = parse_pushed(body);
    if (!list) return list.error();
    if (list->is_object()) return ok(json::array({std::move(*list)}));
    if (!list->is_array() || list->size() > most_entries)
        return failure{errc::invalid,
                       list->is_array() ? "more than " + std::to_string(most_entries) + " replies"
                                        : "no JSON array of replies",
                       "/", "is this what the vendor pushes?"};
    return list;
}

template <class One>
cloud_replies each_of(const json& list, const std::string& gateway, One one) {
    cloud_replies out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        std::vector<failure> errors;
        json_reader in(list[i], "/" + std::to_string(i), errors);
        if (in.is_object()) {
            auto m = one(in);
            m.gateway = gateway;
            if (errors.empty()) out.replies.push_back(std::move(m));
        }
        if (!errors.empty()) out.wrong.push_back(std::move(errors.front()));
    }
    return out;
}

} // namespace

result<cloud_replies> read_aliyun_replies(std::string_view body, const std::string& gateway, wall_time now) {
    const auto list = read_list(body);
    if (!list) return list.error();
    return each_of(*list, gateway, [&](json_reader& in) { return of_aliyun(in, now); });
}

result<cloud_replies> read_tencent_replies(std::string_view body, const std::string& gateway, wall_time now) {
    const auto list = read_list(body);
    if (!list) return list.error();
    return each_of(*list, gateway, [&](json_reader& in) { return of_tencent(in, now); });
}

} // namespace zhida::gateways
