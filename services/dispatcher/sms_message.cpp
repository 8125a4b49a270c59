#include "services/dispatcher/sms_message.hpp"

#include <algorithm>

namespace zhida::dispatcher {

namespace {

using kind = sms_problem::kind;

std::string_view opt_out_of(const sms_content& c, const sms_template& t, bool emergency) {
    const auto of = emergency && t.of == sms_class::notice ? sms_class::emergency : t.of;
    return c.opt_out[static_cast<std::size_t>(of)];
}

// In the order in which they stand in the template: some vendors know them by number.
std::vector<std::pair<std::string, std::string>>
in_order(const sms_template& t, const std::map<std::string, std::string, std::less<>>& values) {
    std::vector<std::pair<std::string, std::string>> out;
    for (auto& name : placeholders_in(t.text))
        if (const auto found = values.find(name); found != values.end())
            out.emplace_back(std::move(name), found->second);
    return out;
}

} // namespace

std::vector<sms_problem> check_sms(const sms_content& c, const sms_signature* signature,
                                   std::string_view named, std::string_view text, std::int32_t today) {
    std::vector<sms_problem> out;
    if (!signature)
        out.push_back({kind::no_signature, std::string(named), 0});
    else if (auto problem = signature_problem(*signature, today))
        out.push_back(std::move(*problem));
    for (auto& problem : text_problems(c, text)) out.push_back(std::move(problem));
    if (const auto parts = gateways::billed_parts(text);
        parts && *parts > static_cast<std::size_t>(c.max_parts))
        out.push_back({kind::too_long, "", static_cast<std::int64_t>(*parts)});
    return out;
}

sms_message sms_of(const sms_house& house, std::string_view issuer, const sms_words& words, bool emergency,
                   std::int32_t today) {
    const auto& c = house.content;
    sms_message m;
    m.signed_with = signature_of(c, issuer, house.signature);
    const auto& signature = m.signed_with ? m.signed_with->text : house.signature;
    const auto* used = template_of(c, words.key);
    if (!used) {
        m.problems.push_back({kind::no_template, words.key, 0});
        m.body.parts = failure_of(m.problems.front(), c);
        return m;
    }
    const std::map<std::string, std::string, std::less<>> values(words.variables.begin(),
                                                                 words.variables.end());
    m.body.text = "【" + signature + "】" + filled(used->text, values);
    m.body.text += opt_out_of(c, *used, emergency);
    m.body.signature = signature;
    if (m.signed_with) m.body.extension = m.signed_with->extension;
    m.body.template_ids = used->ids;
    m.body.variables = in_order(*used, values);
    m.problems = check_sms(c, m.signed_with, house.signature, m.body.text, today);
    m.body.parts = m.problems.empty()
                       ? gateways::segment_sms(m.body.text, 0)
                       : result<std::vector<gateways::sms_part>>(failure_of(m.problems.front(), c));
    return m;
}

} // namespace zhida::dispatcher
