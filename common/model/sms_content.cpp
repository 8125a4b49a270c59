#include "common/model/sms_content.hpp"

#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"
#include "common/model/text_links.hpp"

#include <algorithm>
#include <set>

namespace zhida {

namespace {

constexpr const char* supported_schema = "zhida.sms/1";
// As carriers file them (2 to 20 characters) and gateways take them: see docs/gateways.md.
constexpr std::size_t most_signature = 20, most_opt_out = 20, most_text = 400, most_extension = 12;
constexpr std::int32_t ends_soon_days = 30;

constexpr std::string_view class_names[] = {"notice", "emergency", "service"};
constexpr std::string_view filing_names[] = {"filed", "pending", "refused"};

template <class Enum, std::size_t N>
Enum of_name(const std::string& name, const std::string_view (&names)[N], Enum otherwise) {
    const auto found = std::find(std::begin(names), std::end(names), name);
    return found == std::end(names) ? otherwise : static_cast<Enum>(found - std::begin(names));
}

bool digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// The end of "{name}" at `at`, or `at`.
std::size_t placeholder_end(std::string_view text, std::size_t at) {
    if (text[at] != '{') return at;
    auto end = at + 1;
    while (end < text.size() && name_character(text[end])) ++end;
    return end > at + 1 && end < text.size() && text[end] == '}' ? end + 1 : at;
}

std::string pieces(std::string_view text, auto replace) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (const auto end = placeholder_end(text, at); end > at) {
            out += replace(text.substr(at + 1, end - at - 2));
            at = end;
        } else {
            out += text[at++];
        }
    }
    return out;
}

// Government sites have names under .gov.cn (国办函〔2018〕55号).
bool government_domain(std::string_view host) {
    const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
    return plain && host.size() <= 100 && within_domain(host, "gov.cn") && !host.starts_with('.') &&
           host.find("..") == host.npos;
}

std::string joined(const std::vector<sms_variable>& names) {
    std::string all;
    for (const auto& v : names) all += (all.empty() ? "{" : ", {") + std::string(v.name) + "}";
    return all.empty() ? "none" : all;
}

void check_text(document_reader& in, std::string_view member, const sms_content& c, std::string_view text) {
    for (const auto& p : text_problems(c, text)) {
        if (p.what == sms_problem::kind::placeholder) continue; // what a template may have
        const auto why = failure_of(p, c);
        in.error_at(member, why.what, why.fix);
    }
}

void read_opt_out(document_reader in, sms_content& c) {
    if (!in.is_object()) return;
    in.known({"notice", "emergency", "service"});
    for (std::size_t i = 0; i < c.opt_out.size(); ++i) {
        // Who gets notices can refuse them: 通信短信息服务管理规定, article 20.
        c.opt_out[i] = in.words(class_names[i], i == 0, most_opt_out);
        check_text(in, class_names[i], c, c.opt_out[i]);
        if (c.opt_out[i].find_first_of("{}") != std::string::npos)
            in.error_at(class_names[i], "has { or }", "write the words themselves");
    }
}

sms_signature read_signature(document_reader in, const sms_content& c) {
    sms_signature s;
    if (!in.is_object()) return s;
    in.known({"text", "departments", "filing", "valid_until", "extension"});
    s.text = in.words("text", true, most_signature);
    for (const char* bracket : {"【", "】", "[", "]", "{", "}"})
        if (s.text.find(bracket) != std::string::npos) {
            in.error_at("text", std::string("has the bracket ") + bracket,
                        "write the signature alone; 【】 is put around it");
            break;
        }
    check_text(in, "text", c, s.text);
    s.departments = in.lines("departments", 500, 100);
    s.filing = of_name(in.choice("filing", true, {"filed", "pending", "refused"}), filing_names,
                       sms_filing::pending);
    if (const auto end = in.value().find("valid_until"); end != in.value().end() && !end->is_null())
        s.valid_until = in.day("valid_until");
    s.extension = in.words("extension", false, most_extension);
    if (!digits(s.extension))
        in.error_at("extension", "'" + shortened(s.extension) + "' is not a number",
                    "the digits behind the account's number, or \"\"");
    return s;
}

void check_placeholders(document_reader& in, const sms_template& t) {
    const auto* known = sms_variables(t.key);
    if (!known) {
        in.error_at("key", "'" + shortened(t.key) + "' is not the name of a text",
                    "policy, round, correction, test or acknowledgement");
        return;
    }
    const auto used = placeholders_in(t.text);
    for (const auto& name : used)
        if (std::none_of(known->begin(), known->end(), [&](const auto& v) { return v.name == name; }))
            in.error_at("text", "{" + name + "} is not a variable of '" + t.key + "'",
                        "its variables: " + joined(*known));
    for (const auto& v : *known)
        if (v.required && std::find(used.begin(), used.end(), v.name) == used.end())
            in.error_at("text", "{" + std::string(v.name) + "} is missing",
                        "without it the recipient does not learn what the message says");
    if (pieces(t.text, [](std::string_view) { return ""; }).find_first_of("{}") != std::string::npos)
        in.error_at("text", "has { or } that belong to no variable", "write a variable as {name}");
}

sms_template read_template(document_reader in, const sms_content& c) {
    sms_template t;
    if (!in.is_object()) return t;
    in.known({"key", "version", "class", "approved", "text", "ids"});
    t.key = in.identifier("key", 40);
    t.version = static_cast<int>(in.integer("version", true, 1, 1'000'000).value_or(1));
    t.of =
        of_name(in.choice("class", true, {"notice", "emergency", "service"}), class_names, sms_class::notice);
    t.approved = in.boolean("approved", true).value_or(false);
    t.text = in.words("text", true, most_text);
    if (!t.key.empty() && !t.text.empty()) check_placeholders(in, t);
    check_text(in, "text", c, t.text);
    if (!in.table("ids", false)) return t;
    auto ids = in.child("ids");
    ids.known({"aliyun", "tencent"});
    for (const char* protocol : {"aliyun", "tencent"})
        if (auto id = ids.words(protocol, false, 64); !id.empty()) t.ids.emplace(protocol, std::move(id));
    return t;
}

void read_signatures(document_reader& in, sms_content& c) {
    const json* list = in.list("signatures", true, 1, 500);
    std::set<std::string> seen;
    for (std::size_t i = 0; list && i < list->size(); ++i) {
        document_reader one((*list)[i], in.at("signatures") + "/" + std::to_string(i), in.errors());
        auto s = read_signature(one, c);
        if (!s.text.empty() && !seen.insert(s.text).second)
            one.error_at("text", "'" + s.text + "' is there twice", "put its departments into one");
        c.signatures.push_back(std::move(s));
    }
}

void read_templates(document_reader& in, sms_content& c) {
    const json* list = in.list("templates", true, 1, 500);
    const auto before = in.errors().size();
    std::set<std::pair<std::string, int>> seen;
    for (std::size_t i = 0; list && i < list->size(); ++i) {
        document_reader one((*list)[i], in.at("templates") + "/" + std::to_string(i), in.errors());
        auto t = read_template(one, c);
        if (!t.key.empty() && !seen.emplace(t.key, t.version).second)
            one.error_at("version", t.key + " has version " + std::to_string(t.version) + " already",
                         "give the newer text a higher version");
        c.templates.push_back(std::move(t));
    }
    if (!list || in.errors().size() > before) return; // what is missing may be what is wrong
    for (const char* key : {"policy", "round", "correction", "test", "acknowledgement"})
        if (!template_of(c, key))
            in.error_at("templates", std::string("no version of '") + key + "' is approved",
                        "add one with \"approved\": true");
}

} // namespace

const char* to_string(sms_class c) noexcept {
    return class_names[static_cast<std::size_t>(c)].data();
}

const char* to_string(sms_filing f) noexcept {
    return filing_names[static_cast<std::size_t>(f)].data();
}

const std::vector<sms_variable>* sms_variables(std::string_view key) noexcept {
    // `more` and `others`: without them a message that stands for several would name one alone.
    static const std::map<std::string_view, std::vector<sms_variable>> by_key = {
        {"policy",
         {{"issuer", true},
          {"title", true},
          {"more", true},
          {"benefit", false},
          {"deadline", true},
          {"others", true},
          {"page", true},
          {"verify", true}}},
        {"test",
         {{"issuer", true},
          {"title", true},
          {"more", true},
          {"benefit", false},
          {"deadline", true},
          {"others", false},
          {"page", true},
          {"verify", true}}},
        {"round",
         {{"issuer", true},
          {"kind", false},
          {"about", true},
          {"words", true},
          {"deadline", false},
          {"others", true},
          {"page", true},
          {"verify", true}}},
        {"correction", {{"issuer", true}, {"title", true}, {"verify", true}}},
        {"acknowledgement", {}}};
    const auto found = by_key.find(key);
    return found == by_key.end() ? nullptr : &found->second;
}

result<sms_content> read_sms_content(const json& document, std::vector<failure>& errors) {
    const auto before = errors.size();
    sms_content c;
    document_reader in(document, "", errors);
    if (!in.is_object()) {
        errors[before].fix = "as config/sms_content.json comes with the program";
        return errors[before];
    }
    in.known({"schema", "note", "link_domain", "max_parts", "opt_out", "signatures", "templates"});
    static_cast<void>(in.choice("schema", true, {supported_schema}));
    c.link_domain = in.words("link_domain", false, 100);
    if (!c.link_domain.empty() && !government_domain(c.link_domain))
        in.error_at("link_domain", "'" + shortened(c.link_domain) + "' is not a government's domain",
                    "the host alone, in lower case, ending with .gov.cn; \"\" where no text has a link");
    c.max_parts = static_cast<int>(in.integer("max_parts", false, 1, 20).value_or(c.max_parts));
    if (in.table("opt_out", true)) read_opt_out(in.child("opt_out"), c);
    read_signatures(in, c);
    read_templates(in, c);
    for (auto e = before; e < errors.size(); ++e) // what the readers of single members say alone
        if (errors[e].fix.empty()) errors[e].fix = "see docs/gateways.md";
    if (errors.size() > before) return errors[before];
    return c;
}

std::vector<failure> check_sms_settings(const sms_content& c, const sms_config& settings) {
    std::vector<failure> errors;
    if (!signature_of(c, "", settings.signature))
        errors.push_back({errc::invalid,
                          "'" + settings.signature + "' is not a signature of sms_content.json",
                          "sms.signature", "name one that is there, or add it there once it is filed"});
    // Src_Id of CMPP has 21 bytes, source_addr of SMPP 20 and a NUL.
    constexpr std::size_t most = 20;
    for (const auto& g : gateways_of(settings)) {
        if (g.protocol != "cmpp" && g.protocol != "smpp") continue;
        for (const auto& s : c.signatures)
            if (!s.extension.empty() && g.src_id.size() + s.extension.size() > most)
                errors.push_back(
                    {errc::invalid,
                     "'" + g.src_id + "' with extension '" + s.extension + "' of signature '" + s.text +
                         "' has more than " + std::to_string(most) + " digits",
                     settings.gateways.empty() ? "sms.src_id" : "sms_gateway." + g.name + ".src_id",
                     "shorten the extension in sms_content.json"});
    }
    return errors;
}

std::vector<failure> sms_warnings(const sms_content& c, const sms_config& settings) {
    std::vector<failure> out;
    for (const auto& g : gateways_of(settings)) {
        const auto key = [&](const char* name) {
            return (settings.gateways.empty() ? "sms" : "sms_gateway." + g.name) + "." + name;
        };
        const bool cloud = g.protocol == "aliyun" || g.protocol == "tencent";
        if (g.protocol == "aliyun" && g.callback_secret.empty())
            out.push_back({errc::invalid, "no receipts will come: all that is sent ends as unknown",
                           key("callback_secret"), "set it, and give the address to the vendor"});
        if (!cloud && g.src_id == sms_gateway_config{}.src_id)
            out.push_back({errc::invalid, "'" + g.src_id + "' is the demonstration's", key("src_id"),
                           "set the access code of the contract"});
        if (!cloud) continue;
        std::string without;
        for (const auto& t : c.templates) {
            if (template_of(c, t.key) != &t) continue;
            const auto id = t.ids.find(g.protocol);
            if (id == t.ids.end() || id->second.empty()) without += (without.empty() ? "" : ", ") + t.key;
        }
        if (!without.empty())
            out.push_back({errc::invalid, "no id of " + g.protocol + " for the templates " + without,
                           "sms_content.json",
                           "set ids." + g.protocol + " when the vendor has approved them"});
    }
    return out;
}

const sms_signature* signature_of(const sms_content& c, std::string_view issuer,
                                  std::string_view otherwise) noexcept {
    for (const auto& s : c.signatures)
        if (!issuer.empty() &&
            std::find(s.departments.begin(), s.departments.end(), issuer) != s.departments.end())
            return &s;
    for (const auto& s : c.signatures)
        if (s.text == otherwise) return &s;
    return nullptr;
}

std::string department_of_number(const sms_content& c, const sms_config& settings, std::string_view to) {
    const auto gateways = gateways_of(settings);
    const auto is = [&](const sms_signature& s) {
        if (s.extension.empty()) return false;
        if (to == s.extension) return true;
        return std::any_of(gateways.begin(), gateways.end(), [&](const sms_gateway_config& g) {
            return to.ends_with(s.extension) && // some write the country's code before it
                   to.substr(0, to.size() - s.extension.size()).ends_with(g.src_id);
        });
    };
    std::string found;
    for (const auto& s : c.signatures) {
        if (!is(s)) continue;
        if (!found.empty() || s.departments.size() != 1) return "";
        found = s.departments.front();
    }
    return found;
}

const sms_template* template_of(const sms_content& c, std::string_view key) noexcept {
    const sms_template* newest = nullptr;
    for (const auto& t : c.templates)
        if (t.approved && t.key == key && (!newest || t.version > newest->version)) newest = &t;
    return newest;
}

std::string filled(std::string_view text, const std::map<std::string, std::string, std::less<>>& variables) {
    return pieces(text, [&](std::string_view name) {
        const auto found = variables.find(name);
        return found == variables.end() ? "{" + std::string(name) + "}" : found->second;
    });
}

std::vector<std::string> placeholders_in(std::string_view text) {
    std::vector<std::string> names;
    static_cast<void>(pieces(text, [&](std::string_view name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
        return "";
    }));
    return names;
}

failure failure_of(const sms_problem& p, const sms_content& c) {
    using kind = sms_problem::kind;
    const auto fails = [&p](std::string what, std::string where, std::string fix) {
        return failure{p.of_signature() ? errc::refused : errc::invalid, std::move(what), std::move(where),
                       std::move(fix)};
    };
    const std::string signature = "signature " + p.detail, text = "SMS text";
    switch (p.what) {
    case kind::no_signature:
        return fails("is not in sms_content.json", signature, "add it there, or name another: sms.signature");
    case kind::signature_pending:
        return fails("is not filed yet", signature,
                     "set filing to filed in sms_content.json once the carriers have it");
    case kind::signature_refused:
        return fails("was refused by the carriers", signature,
                     "file it again, or take the department from it in sms_content.json");
    case kind::signature_expired:
        return fails("was valid until " + format_date(static_cast<std::int32_t>(p.number)), signature,
                     "renew it, then change valid_until in sms_content.json");
    case kind::no_template:
        return fails("no version of '" + p.detail + "' is approved", "sms_content.json",
                     "add one with \"approved\": true");
    case kind::link:
        return fails("has the link '" + shortened(p.detail) + "'", text,
                     c.link_domain.empty()
                         ? "take it out; links need link_domain in sms_content.json"
                         : "take it out; only " + c.link_domain + " and what is below it may be linked to");
    case kind::placeholder:
        return fails("still has " + shortened(p.detail), text, "write what it stands for");
    case kind::hidden_character:
        return fails("has the character " + p.detail + ", which nobody sees", text, "take it out");
    case kind::too_long:
        return fails("needs " + std::to_string(p.number) + " parts", text,
                     "shorten it to " + std::to_string(c.max_parts) +
                         ", or raise max_parts in sms_content.json");
    }
    return fails("cannot be sent", text, "");
}

std::optional<sms_problem> signature_problem(const sms_signature& s, std::int32_t today) {
    using kind = sms_problem::kind;
    if (s.filing == sms_filing::pending) return sms_problem{kind::signature_pending, s.text, 0};
    if (s.filing == sms_filing::refused) return sms_problem{kind::signature_refused, s.text, 0};
    if (s.valid_until && *s.valid_until < today)
        return sms_problem{kind::signature_expired, s.text, *s.valid_until};
    return std::nullopt;
}

std::optional<std::int32_t> signature_ends_in(const sms_signature& s, std::int32_t today) {
    if (s.filing != sms_filing::filed || !s.valid_until) return std::nullopt;
    const auto days = *s.valid_until - today;
    if (days < 0 || days > ends_soon_days) return std::nullopt;
    return days;
}

std::string signature_news(const sms_content& c, std::string_view otherwise, std::int32_t today) {
    std::string news;
    for (const auto& s : c.signatures) {
        if (s.departments.empty() && s.text != otherwise) continue;
        std::string one;
        if (const auto problem = signature_problem(s, today))
            one = failure_of(*problem, c).text();
        else if (const auto days = signature_ends_in(s, today))
            one = "signature " + s.text + ": valid for " + std::to_string(*days) + " more days";
        if (!one.empty()) news += (news.empty() ? "" : "; ") + one;
    }
    return news;
}

std::vector<sms_problem> text_problems(const sms_content& c, std::string_view text) {
    using kind = sms_problem::kind;
    std::vector<sms_problem> out;
    for (auto& link : links_in(text))
        if (!within_domain(link.host, c.link_domain)) out.push_back({kind::link, std::move(link.shown), 0});
    if (const auto names = placeholders_in(text); !names.empty())
        out.push_back({kind::placeholder, "{" + names.front() + "}", 0});
    if (auto hidden = hidden_character(text); !hidden.empty())
        out.push_back({kind::hidden_character, std::move(hidden), 0});
    return out;
}

} // namespace zhida
