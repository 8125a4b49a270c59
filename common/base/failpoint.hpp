// Steps at which a test may end, stop or delay the process: compiled in with ZHIDA_FAILPOINTS alone.
//   ZHIDA_FAILPOINT=claim.after:3        the third time: SIGKILL
//   ZHIDA_FAILPOINT=claim.after:3:stop   the third time: SIGSTOP
//   ZHIDA_FAILPOINT=claim.after:3:wait=500   the third time: half a second of sleep
#pragma once

#include <string_view>

namespace zhida::failpoint {

inline constexpr std::string_view names[] = {
    "policy.read",    "campaign.put", "audience.frozen", "profile.written", "release.before",
    "release.after",  "chunk.read",   "chunk.loaded",    "claim.before",    "claim.after",
    "claim.audited",  "send.after",   "ids.bound",       "record.after",    "record.audited",
    "offset.stored",  "receipt.read", "receipt.applied", "receipt.audited", "optout.logged",
    "optout.applied",
};

constexpr bool known(std::string_view name) {
    for (const auto n : names)
        if (n == name) return true;
    return false;
}

#ifdef ZHIDA_FAILPOINTS
inline constexpr bool compiled_in = true;
#else
inline constexpr bool compiled_in = false;
#endif

// Ends the process with code 2 where the environment asks for what is not there: before anything has begun.
void check_order();

// Counts; at its turn it does what the environment asks for.
void hit(std::string_view name);

} // namespace zhida::failpoint

#ifdef ZHIDA_FAILPOINTS
#define ZHIDA_FAILPOINT(name)                                                                                \
    do {                                                                                                     \
        static_assert(::zhida::failpoint::known(name), "not in the table of failpoints");                    \
        ::zhida::failpoint::hit(name);                                                                       \
    } while (false)
#else
#define ZHIDA_FAILPOINT(name) static_assert(::zhida::failpoint::known(name), "not in the table of failpoints")
#endif
