#include "common/io/http_decode.hpp"
#include "services/portal/pages.hpp"

#include <functional>
#include <map>
#include <set>

namespace zhida::portal {

namespace {

constexpr std::size_t samples_shown = 4, samples_looked_at = 24;

std::string attribute_text(context& c, const profile& p, const char* name) {
    const auto* a = c.parts.catalogue.find(name);
    if (!a || a->subject != p.type || !p.attributes.has(a->number)) return "";
    return c.parts.catalogue.display(*a, p.attributes.value[static_cast<std::size_t>(a->number)]);
}

json subject_card(context& c, language in, const profile& p, std::size_t packages) {
    const bool enterprise = p.type == subject_type::enterprise;
    std::string facts;
    for (const char* name :
         enterprise ? std::initializer_list<const char*>{"ent.industry", "ent.reg_division"}
                    : std::initializer_list<const char*>{"person.residence_division", "person.employment"}) {
        auto value = attribute_text(c, p, name);
        // Of an industry's path the last step says enough.
        if (const auto step = value.rfind(" / "); step != std::string::npos) value.erase(0, step + 3);
        if (!value.empty()) facts += (facts.empty() ? "" : " · ") + value;
    }
    return {{"id", p.id},
            {"name", p.name.empty() ? p.id : p.name},
            {"facts", facts.empty() ? json(false) : json(facts)},
            {"packages", packages > 0 ? json(text(in, "card_packages", {{"n", std::to_string(packages)}}))
                                      : json(false)}};
}

// Those with most to show first. The page stands without any; /readyz tells what is wrong.
asio::awaitable<json> subject_cards(context& c, language in, subject_type type) {
    json out = json::array();
    const auto found = co_await c.profiles.sample(type, samples_looked_at);
    if (!found) co_return out;
    std::multimap<std::size_t, const profile*, std::greater<>> people;
    for (const auto& one : *found) {
        const auto packages = co_await c.inbox.of(one.shard, one.ordinal);
        people.emplace(packages ? packages->size() : 0, &one.subject);
    }
    for (const auto& [packages, one] : people)
        if (out.size() < samples_shown) out.push_back(subject_card(c, in, *one, packages));
    co_return out;
}

// Departments that published, or that the samples come from.
asio::awaitable<json> department_names(context& c) {
    std::set<std::string> names;
    for (const auto& s : c.files.samples)
        if (!s.issuer.empty()) names.insert(s.issuer);
    const auto policies = co_await c.compiled.list(200, 0);
    if (policies)
        for (const auto& p : *policies) names.insert(p->about.issuer);
    json out = json::array();
    for (const auto& name : names) out.push_back({{"name", name}});
    co_return out;
}

} // namespace

asio::awaitable<io::http_response> page_landing(context& c, visitor v, io::http_request r) {
    json model = {{"title", text(v.in, "slogan")}, {"landing", true}};
    if (c.sign_in.demo()) {
        model["enterprises"] = co_await subject_cards(c, v.in, subject_type::enterprise);
        model["residents"] = co_await subject_cards(c, v.in, subject_type::resident);
        model["departments"] = co_await department_names(c);
        model["has_departments"] = !model["departments"].empty();
    }
    if (r.query.contains("sign-in")) model["warning"] = text(v.in, "sign_in_needed");
    if (r.query.contains("unknown")) model["warning"] = text(v.in, "unknown_subject");
    co_return render_page(c, v, r, "landing", std::move(model));
}

asio::awaitable<io::http_response> post_sign_in(context& c, visitor v, io::http_request r) {
    if (!c.sign_in.demo()) co_return error_page(c, v, r, 401, "");
    const auto field = [&](const char* name) {
        const auto found = v.form.find(name);
        return found == v.form.end() ? std::string() : found->second;
    };
    identity who;
    const auto wanted = field("role");
    who.name = field("name");
    if (wanted == "operator") {
        who.as = role::operator_;
        who.name.clear();
    } else if (wanted == "department" && !who.name.empty() && who.name.size() <= 200) {
        who.as = role::department;
    } else if (wanted == "subject") {
        if (!valid_subject_id(who.name)) co_return redirect("/?unknown");
        const auto known = co_await c.profiles.get(who.name);
        if (!known && known.error().code == errc::not_found) co_return redirect("/?unknown");
        if (!known) co_return page_of_failure(c, v, r, known.error());
        who.as = role::subject;
    } else {
        co_return error_page(c, v, r, 400, "");
    }
    auto out = redirect(home_of(who));
    out.headers.emplace_back("Set-Cookie",
                             set_cookie(sessions::cookie_name, c.sign_in.sign(who.as, who.name, c.time.now()),
                                        sessions::lifetime, true,
                                        c.settings.portal.public_url.starts_with("https://")));
    co_return out;
}

asio::awaitable<io::http_response> post_sign_out(context& c, visitor, io::http_request) {
    auto out = redirect("/");
    out.headers.emplace_back("Set-Cookie",
                             set_cookie(sessions::cookie_name, "", std::chrono::seconds(0), true,
                                        c.settings.portal.public_url.starts_with("https://")));
    co_return out;
}

} // namespace zhida::portal
