#include "services/simulator/bad_pdu.hpp"

#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/smpp_codec.hpp"

namespace zhida::simulator {

namespace cmpp = gateways::cmpp;
namespace smpp = gateways::smpp;

namespace {

std::string header(std::initializer_list<std::uint32_t> words) {
    std::string out;
    for (const auto v : words)
        for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift & 255);
    return out;
}

} // namespace

std::string bad_cmpp_pdu(std::string_view name, std::uint32_t Sequence_Id) {
    constexpr auto deliver = static_cast<std::uint32_t>(cmpp::command::deliver);
    if (name == "unknown_pdu") return header({20, 0x99, Sequence_Id}) + std::string(8, '\x5a');
    if (name == "malformed_pdu") return header({100, deliver, Sequence_Id}) + std::string(88, '\xff');
    if (name == "oversized_pdu") return header({0x7fffffff, deliver, Sequence_Id}) + std::string(88, '\0');
    if (name == "undersized_pdu") return header({4, deliver, Sequence_Id});
    if (name == "orphan_response")
        return cmpp::encode({~Sequence_Id, cmpp::version::v30, cmpp::submit_resp{0, 0}}).value();
    return {};
}

std::string bad_smpp_pdu(std::string_view name, std::uint32_t sequence_number) {
    constexpr auto deliver = static_cast<std::uint32_t>(smpp::command::deliver_sm);
    const auto with = [&](std::uint32_t command_length, std::uint32_t command_id) {
        return header({command_length, command_id, 0, sequence_number});
    };
    if (name == "unknown_pdu") return with(24, 0x99) + std::string(8, '\x5a');
    if (name == "malformed_pdu") return with(100, deliver) + std::string(84, '\xff');
    if (name == "oversized_pdu") return with(0x7fffffff, deliver) + std::string(84, '\0');
    if (name == "undersized_pdu") return with(4, deliver);
    if (name == "orphan_response") // the highest bit is not for sequence numbers
        return smpp::encode({0, sequence_number ^ 0x40000000U, smpp::submit_sm_resp{"0", {}}}).value();
    return {};
}

} // namespace zhida::simulator
