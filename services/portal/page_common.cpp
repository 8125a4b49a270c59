// What every page has around it, errors, redirects.
#include "services/portal/pages.hpp"

namespace zhida::portal {

namespace {

json chrome(context& c, const visitor& v, const io::http_request& r) {
    json out = {{"t", texts_model(v.in)},
                {"html_lang", html_name(v.in)},
                {"demo", c.sign_in.demo()},
                {"signed_in", v.who.signed_in()},
                {"is_operator", v.who.as == role::operator_},
                {"is_department", v.who.as == role::department},
                {"is_staff", v.who.as == role::operator_ || v.who.as == role::department},
                {"is_subject", v.who.as == role::subject},
                {"large_type", v.large_type},
                {"home", home_of(v.who)},
                {"app_version", ZHIDA_VERSION},
                {"assets", c.files.asset_version}};
    out["other_lang"] = v.in == language::zh ? "en" : "zh";
    out["other_lang_html"] = html_name(v.in == language::zh ? language::en : language::zh);
    out["other_size"] = v.large_type ? "normal" : "large";
    out["size_label"] = text(v.in, v.large_type ? "large_off" : "large_on");
    out["path"] = r.method == "POST" ? home_of(v.who) : r.path;
    const std::string as = v.kind ? to_string(*v.kind) : to_string(v.who.as);
    out["role_label"] = v.who.signed_in() ? text(v.in, "role_" + as) : "";
    const auto who = v.who.as == role::department && v.who.name.empty() ? text(v.in, "any_department")
                     : v.called.empty()                                 ? v.who.name
                                                                        : v.called;
    out["who"] = who.empty() ? json(false) : json(who); // an empty text would count as something to show
    out["token"] = v.who.by_cookie() ? c.sign_in.form_token(v.who) : "";
    out["live"] = false;
    out["notice"] = false;
    out["warning"] = false;
    return out;
}

} // namespace

std::string home_of(const identity& who) {
    switch (who.as) {
    case role::operator_:
        return "/operator";
    case role::department:
        return "/department";
    case role::subject:
        return "/enterprise"; // sends residents on to theirs
    case role::nobody:
        break;
    }
    return "/";
}

io::http_response render_page(context& c, const visitor& v, const io::http_request& r,
                              const std::string& name, json model, int status) {
    auto whole = chrome(c, v, r);
    whole.update(model);
    io::http_response out;
    out.status = status;
    out.content_type = "text/html; charset=utf-8";
    out.headers.emplace_back("Content-Language", html_name(v.in));
    out.body = c.files.pages.render(name, whole);
    return out;
}

io::http_response error_page(context& c, const visitor& v, const io::http_request& r, int status,
                             const std::string& detail) {
    std::string key = "error_title";
    for (const int known : {400, 401, 403, 404, 405, 413, 500, 503})
        if (status == known) key = "error_" + std::to_string(known);
    const auto title = text(v.in, key);
    const auto hint = status == 401 && detail.empty() ? text(v.in, "error_401_hint") : detail;
    return render_page(c, v, r, "error",
                       {{"title", title},
                        {"status", std::to_string(status)},
                        {"detail", hint.empty() ? json(false) : json(hint)}},
                       status);
}

io::http_response page_of_failure(context& c, const visitor& v, const io::http_request& r, const failure& f) {
    if (f.code == errc::not_found) return error_page(c, v, r, 404, "");
    return error_page(c, v, r, 503, f.text());
}

io::http_response redirect(const std::string& to) {
    io::http_response out;
    out.status = 303;
    out.headers.emplace_back("Location", to);
    return out;
}

} // namespace zhida::portal
