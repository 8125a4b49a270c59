#include "services/portal/sms_preview.hpp"

#include "common/base/clock.hpp"
#include "services/dispatcher/round_text.hpp"

#include <cmath>
#include <cstdio>

namespace zhida::portal {

namespace {

const char* code_of(sms_problem::kind k) {
    using kind = sms_problem::kind;
    switch (k) {
    case kind::no_signature:
        return "no_signature";
    case kind::signature_pending:
        return "signature_pending";
    case kind::signature_refused:
        return "signature_refused";
    case kind::signature_expired:
        return "signature_expired";
    case kind::no_template:
        return "no_template";
    case kind::link:
        return "link";
    case kind::placeholder:
        return "placeholder";
    case kind::hidden_character:
        return "hidden_character";
    case kind::too_long:
        break;
    }
    return "too_long";
}

std::string warning_text(const json& warning, language in) {
    const auto most = warning.find("most");
    return text(in, "sms_" + warning.at("code").get<std::string>(),
                {{"detail", warning.at("detail").get<std::string>()},
                 {"most", most == warning.end() ? "" : most->get<std::string>()}});
}

json warning_of(const char* code, std::string detail, std::string most = "") {
    json out = {{"code", code}, {"detail", std::move(detail)}, {"most", std::move(most)}};
    out["text"] = warning_text(out, language::zh);
    return out;
}

json warnings_of(const dispatcher::sms_message& m, const sms_content& c, std::int32_t today) {
    using kind = sms_problem::kind;
    json out = json::array();
    for (const auto& p : m.problems) {
        std::string most;
        if (p.what == kind::signature_expired)
            most = format_date(static_cast<std::int32_t>(p.number));
        else if (p.what == kind::too_long)
            most = std::to_string(c.max_parts);
        out.push_back(warning_of(code_of(p.what),
                                 p.what == kind::too_long ? std::to_string(p.number) : p.detail,
                                 std::move(most)));
    }
    if (const auto days = m.signed_with ? signature_ends_in(*m.signed_with, today) : std::nullopt)
        out.push_back(warning_of("signature_ends", m.signed_with->text, std::to_string(*days)));
    return out;
}

// 1234567 -> "1,234.57", of thousandths of a yuan.
std::string yuan(std::int64_t li) {
    const auto fen = (li + 5) / 10;
    char cents[8];
    std::snprintf(cents, sizeof cents, ".%02d", static_cast<int>(fen % 100));
    return with_commas(fen / 100) + cents;
}

// 45 -> "0.045"
std::string price(std::int64_t li) {
    char out[32];
    std::snprintf(out, sizeof out, "%.3f", static_cast<double>(li) / 1000);
    return out;
}

} // namespace

dispatcher::sms_message sms_of_item(const sms_content& content, const sms_config& c, const policy& p,
                                    std::size_t item, std::int32_t today) {
    campaign first;
    first.urgency = p.urgency;
    return sms_of_campaign(content, c, first, p, item, today);
}

dispatcher::sms_message sms_of_campaign(const sms_content& content, const sms_config& c,
                                        const campaign& about, const policy& p, std::size_t item,
                                        std::int32_t today) {
    if (about.reminder)
        for (std::size_t i = 0; i < p.items.size(); ++i)
            if (p.items[i].id == about.reminder->item) item = i;
    const auto words =
        dispatcher::round_words({said_kind(about), about.reminder ? &*about.reminder : nullptr}, p,
                                static_cast<std::uint16_t>(1U << item), today, c.verify_hint);
    return dispatcher::sms_of({content, c.signature}, p.issuer, words,
                              about.urgency == campaign_urgency::emergency, today);
}

json sms_document(const dispatcher::sms_message& m, const sms_content& content, const sms_config& c,
                  json recipients, std::int32_t today) {
    const auto parts = gateways::billed_parts(m.body.text);
    const auto units = gateways::sms_units(m.body.text);
    json cost;
    if (parts && c.part_price_li > 0 && recipients.is_number_integer())
        cost = static_cast<double>(static_cast<std::int64_t>(*parts) * recipients.get<std::int64_t>() *
                                   c.part_price_li) /
               1000;
    return {
        {"text", m.body.text},
        {"characters", units ? *units : 0},
        {"parts", parts ? *parts : 0},
        {"part_price_yuan", c.part_price_li > 0 ? json(static_cast<double>(c.part_price_li) / 1000) : json()},
        {"recipients", std::move(recipients)},
        {"cost_yuan", std::move(cost)},
        {"warnings", warnings_of(m, content, today)}};
}

json sms_view(const json& document, language in) {
    if (document.is_null()) return false;
    const auto parts = document.at("parts").get<std::int64_t>();
    const auto& recipients = document.at("recipients");
    json out = {{"text", document.at("text")},
                {"length",
                 text(in, "sms_length", {{"n", with_commas(document.at("characters").get<std::int64_t>())}})},
                {"parts", text(in, parts == 1 ? "sms_one_part" : "sms_parts", {{"n", with_commas(parts)}})},
                {"cost", false},
                {"warnings", json::array()}};
    if (const auto& cost = document.at("cost_yuan"); cost.is_number()) {
        const auto li = [](const json& of) { return std::llround(of.get<double>() * 1000); };
        out["cost"] = text(in, "sms_cost", {{"yuan", yuan(li(cost))}});
        out["cost_of"] = text(in, "sms_cost_of",
                              {{"parts", with_commas(parts)},
                               {"recipients", with_commas(recipients.get<std::int64_t>())},
                               {"price", price(li(document.at("part_price_yuan")))}});
    }
    for (const auto& w : document.at("warnings")) out["warnings"].push_back({{"text", warning_text(w, in)}});
    return out;
}

} // namespace zhida::portal
