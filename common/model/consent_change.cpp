#include "common/model/consent_change.hpp"

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"

#include <algorithm>

namespace zhida {

namespace {

constexpr std::pair<consent_kind, const char*> kinds[] = {
    {consent_kind::opt_out, "opt_out"},         {consent_kind::opt_in, "opt_in"},
    {consent_kind::refuse, "refuse"},           {consent_kind::preferences, "preferences"},
    {consent_kind::number_out, "number_out"},   {consent_kind::number_in, "number_in"},
    {consent_kind::regrant, "regrant"},         {consent_kind::bind, "bind"},
    {consent_kind::unbind, "unbind"},           {consent_kind::address_in, "address_in"},
    {consent_kind::address_out, "address_out"}, {consent_kind::granted, "granted"},
    {consent_kind::denied, "denied"},
};

constexpr std::int64_t latest_ms = 4'102'444'800'000; // the year 2100

bool valid_digest(std::string_view text) noexcept {
    return text.size() == number_digest_size && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

constexpr bool bound(consent_kind k) noexcept {
    return k == consent_kind::bind || k == consent_kind::unbind;
}
constexpr bool of_template(consent_kind k) noexcept {
    return k == consent_kind::granted || k == consent_kind::denied;
}

// The digest that a member holds.
std::string read_digest(json_reader& in, const char* name, std::vector<failure>& errors) {
    auto text = in.text(name, true).value_or("");
    if (errors.empty() && !valid_digest(text))
        in.error_at(name, "is not a digest", "32 hex digits in lower case");
    return text;
}

} // namespace

const char* to_string(consent_kind kind) noexcept {
    for (const auto& [one, name] : kinds)
        if (one == kind) return name;
    return "";
}

cloud_event to_event(const consent_change& c) {
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/consents";
    e.type = event_type::consent_changed;
    e.subject = c.who;
    e.time = to_rfc3339(wall_time(milliseconds(c.at_ms)));
    e.data = {{"kind", to_string(c.kind)}, {"at_ms", c.at_ms}};
    e.data[of_number(c.kind) ? "number" : of_address(c.kind) ? "address" : "subject"] = c.who;
    if (bound(c.kind)) e.data["address"] = c.address;
    if (c.kind == consent_kind::bind) e.data["contact"] = crypto::base64(c.sealed);
    if (of_template(c.kind)) e.data["template"] = c.template_id;
    if (c.once) e.data["once"] = true;
    if (!c.grant.empty()) e.data["grant"] = c.grant;
    if (c.kind == consent_kind::preferences) e.data["preferences"] = to_document(c.chosen);
    if (!c.by.role.empty()) e.data["by"] = {{"name", c.by.name}, {"role", c.by.role}};
    return e;
}

result<consent_change> read_consent_change(const cloud_event& e) {
    if (e.type != event_type::consent_changed)
        return failure{errc::invalid, "event type '" + e.type + "' is not known here", "ce_type",
                       std::string("a consent has the type ") + event_type::consent_changed};
    std::vector<failure> errors;
    json_reader in(e.data, "", errors);
    if (!in.is_object()) return errors.front();
    consent_change c;
    const auto kind = in.text("kind", true).value_or("");
    const auto* known =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& k) { return kind == k.second; });
    if (known == std::end(kinds)) {
        in.error_at("kind", "is no kind of consent");
        return errors.front();
    }
    c.kind = known->first;
    c.at_ms = in.integer("at_ms", true, 0, latest_ms).value_or(0);
    if (of_number(c.kind) || of_address(c.kind)) {
        c.who = read_digest(in, of_number(c.kind) ? "number" : "address", errors);
    } else {
        c.who = in.text("subject", true).value_or("");
        if (errors.empty() && !valid_subject_id(c.who)) in.error_at("subject", "is not a subject id");
    }
    if (bound(c.kind)) c.address = read_digest(in, "address", errors);
    if (c.kind == consent_kind::bind) {
        auto sealed = crypto::from_base64(in.text("contact", true).value_or(""));
        if (sealed && !sealed->empty())
            c.sealed = std::move(*sealed);
        else if (errors.empty())
            in.error_at("contact", "is no sealed contact in base64");
    }
    if (of_template(c.kind)) c.template_id = in.text("template", true, max_template_id).value_or("");
    c.once = in.boolean("once", false).value_or(false);
    c.grant = in.text("grant", false, 32).value_or("");
    if (c.kind == consent_kind::preferences) {
        if (!in.has("preferences"))
            in.error_at("preferences", "is missing");
        else if (auto chosen = read_preferences(e.data.at("preferences"), "/preferences", errors))
            c.chosen = std::move(*chosen);
        c.chosen.at_ms = c.at_ms;
    }
    if (const auto* by = in.object("by", false)) {
        json_reader said(*by, "/by", errors);
        c.by.name = said.text("name", true).value_or("");
        c.by.role = said.text("role", true).value_or("");
    }
    if (!errors.empty()) return errors.front();
    return c;
}

} // namespace zhida
