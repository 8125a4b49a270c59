// What the codes of an installation's own gateways mean, from config/sms_codes.json: rows that go before the
// tables of the program (cmpp_results.hpp, cmpp_stats.hpp, smpp_results.hpp, aliyun_codes.hpp,
// tencent_codes.hpp). What those call accepted stays accepted. Pure.
#pragma once

#include "common/base/config.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "services/gateways/cloud_reaction.hpp"
#include "services/gateways/result_reaction.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

struct code_row {
    std::string gateway;     // its name, or "*": every one of the protocol
    std::string protocol;    // cmpp, smpp, aliyun, tencent
    bool of_receipt = false; // else of the answer to a message
    std::string code;        // as it is written
    bool numbers = false;    // `first` to `last`; else a text, with * behind it the beginning of some
    std::uint32_t first = 0, last = 0;
    reason_class means = reason_class::unknown;
    std::string fault; // as in send_result
    std::string text;  // Chinese, for the operator

    bool names(std::uint32_t of) const noexcept { return numbers && first <= of && of <= last; }
    bool names(std::string_view of) const noexcept;
};

// A row as the protocols want it; they point into it.
struct own_code {
    explicit own_code(code_row from);
    own_code(const own_code&) = delete;
    own_code& operator=(const own_code&) = delete;

    const code_row row;
    const result_reaction result;  // of CMPP and SMPP
    const cloud_reaction reaction; // of the clouds
};

// The rows of one gateway, the first that names a code counts. What it returns lives as long as any copy.
class own_codes {
  public:
    // The row's reaction, else the built-in one.
    const result_reaction* of_answer(std::uint32_t code, const result_reaction* built_in) const noexcept {
        return answers_.empty() || built_in->means == reason_class::accepted ? built_in
                                                                             : looked_up(code, built_in);
    }
    const cloud_reaction* of_answer(std::string_view code, const cloud_reaction* built_in) const noexcept;
    // recipient_fault of a receipt that says failed.
    std::string fault_of_receipt(std::string_view status, std::string built_in) const;

  private:
    friend class code_table;
    const result_reaction* looked_up(std::uint32_t code, const result_reaction* built_in) const noexcept;

    std::vector<std::shared_ptr<const own_code>> answers_, receipts_;
};

class code_table {
  public:
    // Of schema zhida.sms_codes/1. Failure invalid: errors has all that is wrong, each with its JSON Pointer.
    static result<code_table> read(const json& document, std::vector<failure>& errors);
    // What does not fit the gateways that are configured.
    std::vector<failure> check(const sms_config&) const;

    own_codes of(const sms_gateway_config& g) const { return of(g.name, g.protocol); }
    own_codes of(std::string_view gateway, std::string_view protocol) const;

  private:
    std::vector<std::shared_ptr<const own_code>> rows_;
};

} // namespace zhida::gateways
