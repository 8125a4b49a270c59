#include "services/gateways/cmpp_results.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways::cmpp {

namespace {

using enum send_outcome;

constexpr result_reaction table[] = {
    {0, accepted, "", false, false, "accepted"},
    {1, rejected, "", false, true, "message structure wrong"},
    {2, rejected, "", false, true, "command wrong"},
    // The first of the two was taken: sending again under another number would be a second message.
    {3, unknown, "", false, true, "sequence number repeated"},
    {4, rejected, "", false, true, "message length wrong"},
    {5, stopped, "", false, true, "fee code wrong"},
    {6, rejected, "", false, true, "longer than a message may be"},
    {7, stopped, "", false, true, "service id wrong"},
    {8, retry, "", true, false, "flow control"},
    // Another gateway may serve this number (portability); there is none yet to route it to.
    {9, rejected, "", false, false, "this gateway does not serve the number: reroute"},
    {10, stopped, "", false, true, "Src_Id wrong"},
    {11, stopped, "", false, true, "Msg_src wrong"},
    {12, stopped, "", false, true, "Fee_terminal_Id wrong"},
    {13, rejected, "bad_number", false, false, "Dest_terminal_Id wrong"},
};
constexpr result_reaction any_other = {0xFFFFFFFF, rejected, "", false, true, "a code of the gateway's own"};

} // namespace

const result_reaction& reaction_to(std::uint32_t Result) noexcept {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& row) { return row.Result == Result; });
    return found == std::end(table) ? any_other : *found;
}

status_reaction login_refusal(std::uint32_t Status) noexcept {
    switch (Status) {
    case 1:
        return {session_end::login_failed, "message structure wrong", "check sms.version"};
    case 2:
        return {session_end::login_refused, "source address refused",
                "check sms.source_addr and whether the gateway knows this machine's address"};
    case 3:
        return {session_end::login_refused, "authentication failed",
                "check sms.source_addr, sms.secret and this machine's clock"};
    case 4:
        return {session_end::login_refused, "version too high", "set sms.version = \"2.0\""};
    case 5:
        return {session_end::login_failed, "other error; often too many connections",
                "check sms.connections"};
    default:
        return {session_end::login_failed, "a status of the gateway's own", "ask the gateway's operator"};
    }
}

} // namespace zhida::gateways::cmpp
