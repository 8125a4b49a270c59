#include "services/portal/access.hpp"

#include <algorithm>

namespace zhida::portal {

bool may_call(const audience& route, const identity& who) noexcept {
    return route.anyone || std::find(route.roles.begin(), route.roles.end(), who.as) != route.roles.end();
}

bool own_issuer(const identity& who, std::string_view issuer) noexcept {
    return who.as == role::department && (who.name.empty() || who.name == issuer);
}

bool may_see_policy(const identity& who, std::string_view disclosure, std::string_view issuer) noexcept {
    return disclosure == "主动公开" || who.as == role::operator_ || own_issuer(who, issuer);
}

bool may_publish(const identity& who, std::string_view issuer) noexcept {
    return who.as == role::operator_ || own_issuer(who, issuer);
}

bool may_see_campaign(const identity& who, std::string_view issuer) noexcept {
    return who.as == role::operator_ || own_issuer(who, issuer);
}

bool may_see_feedback(const identity& who, std::string_view department) noexcept {
    return who.as == role::operator_ || (!department.empty() && own_issuer(who, department));
}

actor actor_of(const identity& who) {
    const char* as = who.as == role::operator_ ? "operator"
                     : who.as == role::subject ? "subject"
                                               : "department";
    return {who.name.empty() ? as : who.name, as};
}

bool may_see_subject(const identity& who, std::string_view id) noexcept {
    return who.as == role::operator_ || (who.as == role::subject && who.name == id);
}

bool may_read_for_subject(const identity& who, std::string_view id) noexcept {
    return who.as == role::subject && who.name == id;
}

} // namespace zhida::portal
