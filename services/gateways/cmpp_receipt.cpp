#include "services/gateways/cmpp_receipt.hpp"

#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/cmpp_stats.hpp"

namespace zhida::gateways::cmpp {

result<receipt> receipt_of(const deliver& d, std::string gateway, wall_time now, const own_codes& codes) {
    if (d.Registered_Delivery != 1) return failure{errc::invalid, "no status report", "CMPP_DELIVER", ""};
    const auto report = decode_report(d.Msg_Content);
    if (!report) return report.error();
    receipt r;
    r.gateway = std::move(gateway);
    r.message_id = id_text(report->Msg_Id);
    r.phone = plain_phone(report->Dest_terminal_Id);
    r.status = report->Stat;
    const auto& reaction = reaction_to_stat(report->Stat);
    r.means = reaction.meaning;
    if (r.means == receipt::meaning::failed)
        r.recipient_fault = codes.fault_of_receipt(r.status, reaction.recipient_fault);
    if (!parse_report_time(report->Done_time, r.at)) r.at = now;
    return r;
}

} // namespace zhida::gateways::cmpp
