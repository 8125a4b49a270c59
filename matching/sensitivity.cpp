#include "matching/sensitivity.hpp"

#include <map>

namespace zhida::matching {

namespace {

void collect(const node& n, std::map<int, std::string>& labels) {
    if (n.subject && n.subject->sensitivity != "public" && n.subject->sensitivity != "internal")
        labels.emplace(n.subject->number, n.subject->label);
    for (const auto& child : n.children) collect(child, labels);
}

} // namespace

std::vector<std::string> sensitive_attributes(const condition& c) {
    std::map<int, std::string> labels;
    collect(c.root(), labels);
    std::vector<std::string> out;
    out.reserve(labels.size());
    for (auto& [unused, label] : labels) out.push_back(std::move(label));
    return out;
}

} // namespace zhida::matching
