// Who is asking. Demonstration sign-in only: a role is chosen, without a password; a signed cookie keeps it.
// Programs use the tokens demo-operator, demo-department, demo-department:<name> and demo-subject:<id>. All
// of it works only while portal.demo_sign_in is on; real sign-in comes later.
#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace zhida::portal {

enum class role { nobody, operator_, department, subject };
const char* to_string(role) noexcept;

struct identity {
    role as = role::nobody;
    std::string name;    // of the department (empty: any), or the subject's id
    std::string session; // random, of the cookie; empty for tokens
    bool signed_in() const noexcept { return as != role::nobody; }
    bool by_cookie() const noexcept { return !session.empty(); }
};

class sessions {
  public:
    // key: secret bytes, at least 16.
    sessions(std::string key, bool demo_sign_in);
    bool demo() const noexcept { return demo_; }

    // The cookie's value: role, name and age under an HMAC-SM3.
    std::string sign(role as, std::string_view name, wall_time now) const;
    // Nobody where the value is forged, too old, or demonstration sign-in is off.
    identity of_cookie(std::string_view value, wall_time now) const;
    // Of an Authorization header; nobody where the token is unknown.
    identity of_authorization(std::string_view header) const;

    // Forms carry this; it belongs to the session alone.
    std::string form_token(const identity& who) const;
    bool right_form_token(const identity& who, std::string_view token) const;

    static constexpr const char* cookie_name = "zhida_session";
    static constexpr std::chrono::hours lifetime{12};

  private:
    std::string mac(std::string_view text) const;
    std::string key_;
    bool demo_;
};

// "zhida_session=...; Path=/; HttpOnly; SameSite=Lax; Max-Age=..." (RFC 6265); Secure where the site is.
std::string set_cookie(std::string_view name, std::string_view value, std::chrono::seconds lifetime,
                       bool http_only, bool secure);

// May a request that changes something come from where its headers say? Fetch metadata where the browser
// sends it, else Origin; a request with neither is let pass only with a form token (`has_token`). host: the
// Host header; public_url: the configured address, may be empty.
bool same_origin(std::string_view sec_fetch_site, std::string_view origin, std::string_view host,
                 std::string_view public_url, bool has_token);

} // namespace zhida::portal
