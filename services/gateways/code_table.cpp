#include "services/gateways/code_table.hpp"

#include "common/model/document_reader.hpp"
#include "services/gateways/aliyun_codes.hpp"
#include "services/gateways/cmpp_stats.hpp"
#include "services/gateways/smpp_results.hpp"
#include "services/gateways/tencent_codes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace zhida::gateways {

namespace {

using enum reason_class;

constexpr const char* supported_schema = "zhida.sms_codes/1";
constexpr std::size_t most_rows = 1000, most_name = 64, most_code = 64, most_text = 60;
// All but accepted: what a gateway has taken, only its protocol says.
constexpr reason_class settable[] = {retry, slow_down, stop, permanent, opt_out, in_doubt, unknown};

reason_class class_of(std::string_view name) noexcept {
    const auto* found = std::find_if(std::begin(settable), std::end(settable),
                                     [&](reason_class c) { return name == to_string(c); });
    return found == std::end(settable) ? unknown : *found;
}

bool of_cloud(std::string_view protocol) noexcept {
    return protocol == "aliyun" || protocol == "tencent";
}

// ---- what follows from a row

send_outcome outcome_of(reason_class c) noexcept {
    switch (c) {
    case retry:
    case slow_down:
        return send_outcome::retry;
    case stop:
        return send_outcome::stopped;
    case in_doubt:
        return send_outcome::unknown;
    default:
        return send_outcome::rejected;
    }
}

// A text that is refused is refused to everybody.
bool alarming(const code_row& r) noexcept {
    return r.means == stop || r.means == in_doubt || r.means == unknown || r.fault == "content";
}

result_reaction result_of(const code_row& r) noexcept {
    return {r.first,     outcome_of(r.means), r.fault.c_str(), r.means == slow_down,
            alarming(r), r.text.c_str(),      r.means,         r.text.c_str()};
}

cloud_reaction cloud_reaction_of(const code_row& r) noexcept {
    using pause = cloud_reaction::pause;
    using again = cloud_reaction::again;
    const bool of_recipient = r.means == retry || r.means == opt_out || r.means == permanent;
    return {r.code.c_str(),
            outcome_of(r.means),
            r.means == slow_down ? pause::slow_channel
            : r.means == stop    ? pause::until_mended
                                 : pause::none,
            r.means == retry || r.means == slow_down ? again::soon : again::none,
            r.fault.c_str(),
            of_recipient && r.fault != "content",
            alarming(r),
            r.means,
            r.text.c_str()};
}

// ---- reading

// Decimal, or hexadecimal as SMPP's documents write them: 0x58.
std::optional<std::uint32_t> number_of(std::string_view text) noexcept {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    if (hex) text.remove_prefix(2);
    std::uint32_t v = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v, hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return v;
}

void read_numbers(document_reader& in, code_row& r) {
    const std::string_view text = r.code;
    const auto dash = text.find('-');
    const auto first = number_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(text.substr(dash + 1));
    if (!first || !last)
        return in.error_at("code", "'" + shortened(text) + "' is not a number",
                           "a number such as 100 or 0x64, or a range such as 100-199");
    if (*last < *first)
        return in.error_at("code", "'" + shortened(text) + "' ends before it begins",
                           "the smaller number first");
    if (*first == 0) return in.error_at("code", "0 says that the message was taken", "begin with 1");
    r.numbers = true;
    r.first = *first;
    r.last = *last;
}

// The program's own table says so.
bool no_failure(const code_row& r) {
    std::vector<code_reason> reasons;
    if (r.protocol == "aliyun")
        reasons = r.of_receipt ? aliyun::receipt_reasons() : aliyun::reasons();
    else if (r.protocol == "tencent")
        reasons = r.of_receipt ? tencent::receipt_reasons() : tencent::reasons();
    else
        reasons = r.protocol == "smpp" ? smpp::stat_reasons() : cmpp::stat_reasons();
    return std::any_of(reasons.begin(), reasons.end(),
                       [&](const auto& known) { return known.code == r.code && known.means == accepted; });
}

void read_text(document_reader& in, const code_row& r) {
    const auto star = r.code.find('*');
    if (star == 0 || (star != std::string::npos && star + 1 != r.code.size()))
        in.error_at("code", "'" + shortened(r.code) + "' has * where it may not",
                    "* stands at the end, behind what the codes begin with, as in MK:*");
    else if (no_failure(r))
        in.error_at("code", "'" + shortened(r.code) + "' is no failure",
                    "take it out: only codes of failures can be set");
}

void read_fault(document_reader& in, code_row& r) {
    r.fault = in.choice("fault", false, {"", "bad_number", "refused", "content"});
    if (r.means == opt_out && r.fault.empty()) r.fault = "refused";
    if ((r.means == opt_out) != (r.fault == "refused"))
        in.error_at("fault", "opt_out and refused go together", "leave it out, or change the class");
    else if (!r.fault.empty() && r.means != opt_out && r.means != permanent)
        in.error_at("fault", "'" + r.fault + "' blames the recipient or the text of what may still be sent",
                    "leave it out, or make the class permanent");
}

// Nothing where it has errors.
std::optional<code_row> read_row(document_reader in) {
    const auto before = in.errors().size();
    code_row r;
    if (!in.is_object()) return std::nullopt;
    in.known({"gateway", "protocol", "of", "code", "class", "fault", "text"});
    r.gateway = in.words("gateway", true, most_name);
    r.protocol = in.choice("protocol", true, {"cmpp", "smpp", "aliyun", "tencent"});
    r.of_receipt = in.choice("of", false, {"answer", "receipt"}) == "receipt";
    const auto means = in.choice(
        "class", true, {"retry", "slow_down", "stop", "permanent", "opt_out", "in_doubt", "unknown"});
    r.means = class_of(means);
    if (!means.empty()) read_fault(in, r);
    r.text = in.words("text", true, most_text);
    r.code = in.words("code", true, most_code);
    if (!r.code.empty() && !r.protocol.empty()) {
        if (r.of_receipt || of_cloud(r.protocol))
            read_text(in, r);
        else
            read_numbers(in, r);
    }
    if (in.errors().size() > before) return std::nullopt;
    return r;
}

bool begins_many(const code_row& r) noexcept {
    return r.code.ends_with('*');
}

// Whatever `later` names, `first` has named.
bool covers(const code_row& first, const code_row& later) noexcept {
    if (first.gateway != "*" && first.gateway != later.gateway) return false;
    if (first.protocol != later.protocol || first.of_receipt != later.of_receipt) return false;
    if (first.numbers) return first.first <= later.first && later.last <= first.last;
    if (!begins_many(first)) return first.code == later.code;
    std::string_view beginning = later.code;
    if (begins_many(later)) beginning.remove_suffix(1);
    return first.names(beginning);
}

} // namespace

bool code_row::names(std::string_view of) const noexcept {
    if (numbers) return false;
    const std::string_view name = code;
    return begins_many(*this) ? of.starts_with(name.substr(0, name.size() - 1)) : of == name;
}

own_code::own_code(code_row from)
    : row(std::move(from)), result(result_of(row)), reaction(cloud_reaction_of(row)) {}

const result_reaction* own_codes::looked_up(std::uint32_t code,
                                            const result_reaction* built_in) const noexcept {
    for (const auto& own : answers_)
        if (own->row.names(code)) return &own->result;
    return built_in;
}

const cloud_reaction* own_codes::of_answer(std::string_view code,
                                           const cloud_reaction* built_in) const noexcept {
    if (built_in->means == accepted) return built_in;
    for (const auto& own : answers_)
        if (own->row.names(code)) return &own->reaction;
    return built_in;
}

std::string own_codes::fault_of_receipt(std::string_view status, std::string built_in) const {
    for (const auto& own : receipts_)
        if (own->row.names(status)) return own->row.fault;
    return built_in;
}

result<code_table> code_table::read(const json& document, std::vector<failure>& errors) {
    const auto before = errors.size();
    code_table t;
    document_reader in(document, "", errors);
    if (in.is_object()) {
        in.known({"schema", "note", "codes"});
        static_cast<void>(in.choice("schema", true, {supported_schema}));
        const json* list = in.list("codes", true, 0, most_rows);
        std::vector<std::optional<code_row>> rows;
        for (std::size_t i = 0; list && i < list->size(); ++i) {
            const auto place = in.at("codes") + "/" + std::to_string(i);
            document_reader one((*list)[i], place, errors);
            auto row = read_row(one);
            for (std::size_t j = 0; row && j < rows.size(); ++j)
                if (rows[j] && covers(*rows[j], *row)) {
                    const auto other = in.at("codes") + "/" + std::to_string(j);
                    one.error_at("code", "'" + row->code + "' is never looked up: " + other + " names it too",
                                 "take one of them out, or put the narrower one first");
                    break;
                }
            rows.push_back(std::move(row));
        }
        for (auto& row : rows)
            if (row) t.rows_.push_back(std::make_shared<const own_code>(std::move(*row)));
    }
    for (auto e = before; e < errors.size(); ++e) // what the readers of single members say alone
        if (errors[e].fix.empty()) errors[e].fix = "see docs/gateways.md";
    if (errors.size() > before) return errors[before];
    return t;
}

std::vector<failure> code_table::check(const sms_config& settings) const {
    std::vector<failure> errors;
    const auto gateways = gateways_of(settings);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const auto& row = rows_[i]->row;
        if (row.gateway == "*") continue;
        const auto place = "/codes/" + std::to_string(i);
        const auto g = std::find_if(gateways.begin(), gateways.end(),
                                    [&](const auto& one) { return one.name == row.gateway; });
        if (g == gateways.end())
            errors.push_back({errc::invalid, "'" + row.gateway + "' is not the name of an SMS gateway",
                              place + "/gateway", "a name of the configuration, or *"});
        else if (g->protocol != row.protocol)
            errors.push_back({errc::invalid, "'" + row.gateway + "' speaks " + g->protocol,
                              place + "/protocol", "change it, or the gateway's name"});
    }
    return errors;
}

own_codes code_table::of(std::string_view gateway, std::string_view protocol) const {
    own_codes out;
    for (const auto& own : rows_)
        if (own->row.protocol == protocol && (own->row.gateway == "*" || own->row.gateway == gateway))
            (own->row.of_receipt ? out.receipts_ : out.answers_).push_back(own);
    return out;
}

} // namespace zhida::gateways
