// Which of a subject's contacts WeChat may reach, and in which order: pure. What is known of addresses comes
// from store::wechat_addresses.
#pragma once

#include "common/base/config.hpp"
#include "common/model/ledger.hpp"
#include "common/model/profile.hpp"
#include "common/model/wechat_address.hpp"
#include "common/store/wechat_addresses.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace zhida::dispatcher {

// So long a template that was refused is not tried again: nobody tells when somebody takes it again.
inline constexpr std::chrono::hours refused_for{30 * 24};

// The template that an address is sent by, which its grants and refusals are of; "" of WeCom, which has none.
std::string template_of(const config& settings, wechat_account account);
bool account_enabled(const config& settings, wechat_account account);

// none: it may be sent to.
ledger::reason shut(const config& settings, wechat_account account, const store::wechat_standing& standing,
                    wall_time now);

// Contacts bound by their owners go before those of registers, whose addresses they take the place of; what
// is unbound is left out. digest_of: as store::number_digests has it.
void add_bound(std::vector<contact>& contacts, const store::bound_contacts& bound,
               const std::function<std::string(std::string_view)>& digest_of);

// The role that hears of a theme first: dispatch.contact_roles, "THEME=ROLE, ..."; "": none. The longest
// theme that is this one or above it counts: 就业 for 就业/稳岗.
std::string_view role_for(std::string_view theme, std::string_view contact_roles) noexcept;
void prefer_role(std::vector<contact>& contacts, std::string_view role);

} // namespace zhida::dispatcher
