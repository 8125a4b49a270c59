#include "matching/explanation_document.hpp"

#include <bit>

namespace zhida::matching {

namespace {

std::size_t nodes_of(const node& n) {
    std::size_t sum = 1;
    for (const auto& child : n.children) sum += nodes_of(child);
    return sum;
}

} // namespace

const char* outcome_name(truth t) noexcept {
    switch (t) {
    case truth::yes:
        return "met";
    case truth::no:
        return "not_met";
    case truth::unknown:
        break;
    }
    return "unknown";
}

std::map<std::string, label_text> labels_of(const policy_item& item) {
    std::map<std::string, label_text> out;
    for (const auto& [pointer, text] : item.labels) out[pointer] = {text.first, text.second};
    return out;
}

json explanation_document(const std::vector<explanation>& lines, int levels) {
    json out = json::array();
    for (const auto& line : lines) {
        json one = {{"text", line.text},           {"clause", line.clause}, {"manual", line.manual},
                    {"attribute", line.attribute}, {"value", line.value},   {"requirement", line.requirement},
                    {"pointer", line.pointer},     {"group", line.group}};
        one["outcome"] = outcome_name(line.outcome);
        one["parts"] = levels > 0 ? explanation_document(line.parts, levels - 1) : json::array();
        out.push_back(std::move(one));
    }
    return out;
}

json missing_document(std::uint64_t attributes, subject_type subject, const catalogue& c) {
    json out = json::array();
    for (auto left = attributes; left != 0; left &= left - 1)
        if (const auto* a = c.find(subject, std::countr_zero(left)))
            out.push_back({{"attribute", a->name},
                           {"label", a->label},
                           {"label_en", a->label_en},
                           {"source", a->source}});
    return out;
}

std::size_t explanation_lines(const condition& c) {
    return nodes_of(c.root());
}

} // namespace zhida::matching
