#include "services/simulator/cmpp_bad_pdu.hpp"

#include "services/gateways/cmpp_codec.hpp"

namespace zhida::simulator {

namespace cmpp = gateways::cmpp;

namespace {

std::string header(std::uint32_t Total_Length, std::uint32_t Command_Id, std::uint32_t Sequence_Id) {
    std::string out;
    for (const auto v : {Total_Length, Command_Id, Sequence_Id})
        for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift & 255);
    return out;
}

} // namespace

std::string bad_pdu(std::string_view name, std::uint32_t Sequence_Id) {
    constexpr auto deliver = static_cast<std::uint32_t>(cmpp::command::deliver);
    if (name == "unknown_pdu") return header(20, 0x99, Sequence_Id) + std::string(8, '\x5a');
    if (name == "malformed_pdu") return header(100, deliver, Sequence_Id) + std::string(88, '\xff');
    if (name == "oversized_pdu") return header(0x7fffffff, deliver, Sequence_Id) + std::string(88, '\0');
    if (name == "undersized_pdu") return header(4, deliver, Sequence_Id);
    if (name == "orphan_response")
        return cmpp::encode({~Sequence_Id, cmpp::version::v30, cmpp::submit_resp{0, 0}}).value();
    return {};
}

} // namespace zhida::simulator
