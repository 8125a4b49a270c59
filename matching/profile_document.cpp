#include "matching/profile_document.hpp"

#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"
#include "common/model/profile_rules.hpp"

#include <bit>

namespace zhida::matching {

namespace {

constexpr const char* size_attribute = "ent.size";

std::string joined(const std::vector<std::string>& names) {
    std::string all;
    for (const auto& n : names) all += (all.empty() ? "" : ", ") + n;
    return all;
}

void report(std::vector<failure>& errors, std::optional<failure> why, std::string where) {
    if (!why) return;
    why->where = std::move(where);
    errors.push_back(std::move(*why));
}

void read_attributes(document_reader& r, profile& p, const catalogue& c) {
    const json* list = r.table("attributes", true);
    if (!list) return;
    const auto inner = r["attributes"];
    for (const auto& [name, value] : list->items()) {
        const auto where = inner.at(std::string_view(name));
        const attribute* a = c.find(name);
        if (!a) {
            const auto near = c.near(name);
            r.errors().push_back({errc::invalid, "is no attribute of the catalogue", where,
                                  near.empty() ? "see attributes.json" : "did you mean " + joined(near)});
            continue;
        }
        if (a->subject != p.type) {
            report(r.errors(), wrong_subject(*a, p.type), where);
            continue;
        }
        if (value.is_null()) continue; // not known
        const auto coded = c.encode(*a, value);
        if (coded)
            p.attributes.set(a->number, *coded);
        else
            report(r.errors(), refusal(*a, coded.error()), where);
    }
}

void read_contacts(document_reader& r, profile& p) {
    const json* list = r.list("contacts", false, 0, max_contacts);
    if (!list) return;
    const auto pointer = r.at("contacts");
    for (std::size_t i = 0; i < list->size(); ++i) {
        document_reader one((*list)[i], pointer + "/" + std::to_string(i), r.errors());
        if (!one.is_object()) continue;
        one.known({"role", "phone", "openid"});
        contact k;
        k.role = one.words("role", false, max_role);
        k.phone = one.text("phone", false).value_or("");
        k.openid = one.text("openid", false).value_or("");
        report(r.errors(), check_phone(k.phone), one.at("phone"));
        report(r.errors(), check_openid(k.openid), one.at("openid"));
        p.contacts.push_back(std::move(k));
    }
}

void read_sealed(document_reader& r, profile& p, const crypto::sealer* sealer) {
    const auto text = r.text("sealed_contacts", false, 16384);
    if (!text) return;
    if (r.has("contacts")) r.error_at("sealed_contacts", "stands beside contacts", "give one of them");
    if (!sealer) {
        r.error_at("sealed_contacts", "cannot be opened here: no contact key", "give contacts in clear");
        return;
    }
    const auto opened = [&]() -> result<std::vector<contact>> {
        const auto bytes = crypto::from_base64(*text);
        if (!bytes) return bytes.error();
        const auto plain = sealer->open(*bytes, p.id);
        if (!plain) return plain.error();
        return parse_contacts(*plain);
    }();
    if (opened)
        p.contacts = *opened;
    else
        report(r.errors(), opened.error(), r.at("sealed_contacts"));
}

} // namespace

bool may_be_shown(const attribute& a) noexcept {
    return a.sensitivity == "public" || a.sensitivity == "internal";
}

failure refusal(const attribute& a, failure why) {
    if (may_be_shown(a)) return why;
    why.what = "the value is not good for " + a.label;
    why.fix.clear(); // it may repeat the value as well
    switch (a.kind) {
    case attribute_kind::boolean:
        why.fix = "true or false, in CSV also 是 or 否";
        break;
    case attribute_kind::integer:
        why.fix = "a whole number from " + std::to_string(a.low) + " to " + std::to_string(a.high);
        break;
    case attribute_kind::decimal:
        why.fix = "a number with at most " + std::to_string(a.decimals) + " decimals";
        break;
    case attribute_kind::date:
        why.fix = "a date such as 2026-11-23";
        break;
    case attribute_kind::term:
    case attribute_kind::set:
        for (std::size_t i = 0; i < a.terms.size() && i < 12; ++i)
            why.fix += (i == 0 ? "known: " : ", ") + a.terms[i].code;
        break;
    case attribute_kind::industry:
        why.fix = "a code of GB/T 4754-2017 such as C3911";
        break;
    case attribute_kind::division:
        why.fix = "a division code of 6, 9 or 12 digits such as 310113003";
        break;
    }
    return why;
}

failure wrong_subject(const attribute& a, subject_type type) {
    return {errc::invalid,
            a.label + " (" + a.name + ") belongs to " +
                (a.subject == subject_type::enterprise ? "enterprises" : "residents") + ", not to " +
                (type == subject_type::enterprise ? "an enterprise" : "a resident"),
            "", "leave it out, or correct the type"};
}

bool add_size(profile& p, const catalogue& c) {
    if (p.type != subject_type::enterprise) return false;
    const attribute* size = c.find(size_attribute);
    if (!size || p.attributes.has(size->number)) return false;
    const auto computed = c.classify(p.attributes);
    if (!computed) return false;
    p.attributes.set(size->number, static_cast<std::int64_t>(*computed));
    return true;
}

bool size_differs(const profile& p, const catalogue& c) {
    if (p.type != subject_type::enterprise) return false;
    const attribute* size = c.find(size_attribute);
    if (!size || !p.attributes.has(size->number)) return false;
    const auto computed = c.classify(p.attributes);
    return computed &&
           p.attributes.value[static_cast<std::size_t>(size->number)] != static_cast<std::int64_t>(*computed);
}

result<profile> read_profile_document(const json& document, const catalogue& c, std::vector<failure>& errors,
                                      const crypto::sealer* sealer) {
    const auto before = errors.size();
    document_reader r(document, "", errors);
    if (!r.is_object()) return errors[before];
    r.known({"schema", "id", "type", "name", "origin", "as_of", "attributes", "contacts", "sealed_contacts"});
    if (const auto schema = r.text("schema", true); schema && *schema != profile_schema)
        r.error_at("schema", "'" + shortened(*schema) + "' is not read here", profile_schema);
    profile p;
    p.id = r.text("id", true).value_or("");
    p.name = r.words("name", false, max_name);
    p.origin = r.words("origin", false, max_origin);
    p.as_of = r.day("as_of").value_or(0);
    if (const auto type = r.text("type", true)) {
        if (parse(*type, p.type)) { // ids and attributes mean nothing without the type
            if (!p.id.empty()) report(errors, check_id(p.id, p.type), r.at("id"));
            read_attributes(r, p, c);
        } else {
            r.error_at("type", "'" + shortened(*type) + "' is not a subject type", "enterprise or resident");
        }
    }
    read_contacts(r, p);
    read_sealed(r, p, sealer);
    if (errors.size() != before) return errors[before];
    add_size(p, c);
    return p;
}

json write_profile_document(const profile& p, const catalogue& c, const crypto::sealer* sealer) {
    json document = {{"schema", profile_schema},
                     {"id", p.id},
                     {"type", to_string(p.type)},
                     {"attributes", json::object({})}};
    if (!p.name.empty()) document["name"] = p.name;
    if (!p.origin.empty()) document["origin"] = p.origin;
    if (p.as_of != 0) document["as_of"] = format_date(p.as_of);
    auto& attributes = document["attributes"];
    for (auto left = p.attributes.known; left; left &= left - 1) {
        const int n = std::countr_zero(left);
        if (const attribute* a = c.find(p.type, n))
            attributes[a->name] = c.decode(*a, p.attributes.value[static_cast<std::size_t>(n)]);
    }
    if (p.contacts.empty()) return document;
    if (sealer) {
        document["sealed_contacts"] = crypto::base64(sealer->seal(contacts_text(p.contacts), p.id));
        return document;
    }
    auto& list = document["contacts"] = json::array();
    for (const auto& k : p.contacts)
        list.push_back({{"role", k.role}, {"phone", k.phone}, {"openid", k.openid}});
    return document;
}

} // namespace zhida::matching
