// The authenticators of CMPP_CONNECT and CMPP_CONNECT_RESP. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "services/gateways/cmpp_codec.hpp"

namespace zhida::gateways::cmpp {

// MMDDhhmmss of Beijing time as a decimal number: 1021080510, or 101000005 on the 1st of January.
std::uint32_t timestamp_of(wall_time t) noexcept;

// MD5(Source_Addr, nine NUL, secret, Timestamp as ten digits). Source_Addr has six characters: clients
// disagree about how shorter ones are hashed.
digest authenticator_source(std::string_view Source_Addr, std::string_view secret, std::uint32_t Timestamp);

// MD5(Status, AuthenticatorSource, secret), Status in one byte (2.0) or four (3.0, and some gateways in
// both).
digest authenticator_ismg(std::uint32_t Status, version layout, const digest& AuthenticatorSource,
                          std::string_view secret);

// Whether the gateway proved that it knows the secret, by either form of the status. False is worth a line in
// the log, not more: widely used gateways send wrong values here.
bool ismg_proved(const connect_resp& answer, const digest& AuthenticatorSource, std::string_view secret);

// YYMMDDhhmm in Beijing time, as status reports carry it.
std::string report_time(wall_time t);
// False for what no date is: gateways send "0001010000" or nothing.
bool parse_report_time(std::string_view text, wall_time& out) noexcept;

} // namespace zhida::gateways::cmpp
