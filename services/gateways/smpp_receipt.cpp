#include "services/gateways/smpp_receipt.hpp"

#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/smpp_results.hpp"

#include <algorithm>

namespace zhida::gateways::smpp {

namespace {

bool digit(char c) {
    return c >= '0' && c <= '9';
}
std::string without_zeros(std::string digits) {
    const auto first = digits.find_first_not_of('0');
    return first == std::string::npos ? std::string(digits.empty() ? "" : "0") : digits.substr(first);
}

} // namespace

std::string folded_id(std::string_view message_id) {
    std::string id(message_id);
    for (auto& c : id)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool hex =
        std::all_of(id.begin(), id.end(), [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
    return hex ? without_zeros(std::move(id)) : id;
}

std::string hex_of_decimal_id(std::string_view message_id) {
    constexpr std::size_t most = 64; // of SMPP; and every digit more takes longer
    if (message_id.empty() || message_id.size() > most ||
        !std::all_of(message_id.begin(), message_id.end(), digit))
        return folded_id(message_id);
    std::string hex; // lowest digit first
    for (std::string rest = without_zeros(std::string(message_id)); !rest.empty();) {
        unsigned carry = 0;
        std::string quotient;
        for (const char c : rest) {
            carry = carry * 10 + static_cast<unsigned>(c - '0');
            if (carry >= 16 || !quotient.empty()) quotient += static_cast<char>('0' + carry / 16);
            carry %= 16;
        }
        hex += "0123456789abcdef"[carry];
        rest = std::move(quotient);
    }
    std::reverse(hex.begin(), hex.end());
    return hex;
}

receipt_ids receipt_ids_of(std::string_view setting) noexcept {
    return setting == "decimal_of_hex"   ? receipt_ids::decimal_of_hex
           : setting == "hex_of_decimal" ? receipt_ids::hex_of_decimal
                                         : receipt_ids::as_given;
}

std::string submitted_id(std::string_view message_id, receipt_ids ids) {
    return ids == receipt_ids::hex_of_decimal ? hex_of_decimal_id(message_id) : folded_id(message_id);
}

result<gateways::receipt> receipt_of(const deliver_sm& d, receipt_ids ids, std::string gateway, wall_time now,
                                     const own_codes& codes) {
    const auto said = read_receipt(d);
    if (!said) return said.error();
    gateways::receipt r;
    r.gateway = std::move(gateway);
    const auto text = read_receipt_text(message_of(d));
    // A TLV beside another id in the text repeats the submit_sm_resp.
    const bool as_submitted = !receipted_message_id(d).empty() && text && text->id != said->id;
    r.message_id = as_submitted                         ? submitted_id(said->id, ids)
                   : ids == receipt_ids::decimal_of_hex ? hex_of_decimal_id(said->id)
                                                        : folded_id(said->id);
    r.phone = plain_phone(d.source_addr);
    r.status = said->stat;
    if (const auto state = message_state(d);
        state && reaction_to_stat(stat_of(*state)).meaning != reaction_to_stat(r.status).meaning)
        r.status = stat_of(*state);
    const auto reaction = reaction_to_stat(r.status);
    r.means = (d.esm_class & esm_type_mask) == esm_intermediate ? gateways::receipt::meaning::intermediate
                                                                : reaction.meaning;
    if (r.means == gateways::receipt::meaning::failed)
        r.recipient_fault = codes.fault_of_receipt(r.status, reaction.recipient_fault);
    if (!cmpp::parse_report_time(std::string_view(said->done_date).substr(0, 10), r.at)) r.at = now;
    return r;
}

std::uint8_t text_format(std::uint8_t data_coding) noexcept {
    constexpr std::uint8_t ascii = 0, latin1 = 3, binary = 4, ucs2 = 8, gbk = 15;
    if (data_coding < 16) switch (data_coding) {
        case 0:
        case 1:
            return ascii;
        case latin1:
        case ucs2:
        case gbk:
            return data_coding;
        default:
            return binary;
        }
    const unsigned alphabet = (data_coding & 0xF0) == 0xF0 ? (data_coding & 4U) >> 2
                              : (data_coding & 0xC0) == 0  ? (data_coding & 0x0CU) >> 2
                                                           : 3;
    return alphabet == 0 ? ascii : alphabet == 2 ? ucs2 : binary;
}

} // namespace zhida::gateways::smpp
