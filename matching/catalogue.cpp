#include "matching/catalogue.hpp"

#include "matching/near.hpp"

namespace zhida::matching {

const char* to_string(attribute_kind kind) noexcept {
    switch (kind) {
    case attribute_kind::boolean:
        return "boolean";
    case attribute_kind::integer:
        return "integer";
    case attribute_kind::decimal:
        return "decimal";
    case attribute_kind::date:
        return "date";
    case attribute_kind::term:
        return "enum";
    case attribute_kind::set:
        return "set";
    case attribute_kind::industry:
        return "industry";
    case attribute_kind::division:
        return "division";
    }
    return "unknown";
}

const term* attribute::find_term(std::string_view code) const noexcept {
    for (const auto& t : terms)
        if (t.code == code) return &t;
    return nullptr;
}

const term* attribute::find_term(int n) const noexcept {
    for (const auto& t : terms)
        if (t.number == n) return &t;
    return nullptr;
}

const attribute* catalogue::find(std::string_view name) const noexcept {
    const auto found = by_name_.find(std::string(name));
    return found == by_name_.end() ? nullptr : &attributes_[found->second];
}

const attribute* catalogue::find(subject_type subject, int number) const noexcept {
    if (number < 0 || number >= max_attributes) return nullptr;
    const auto at = by_number_[static_cast<std::size_t>(subject) - 1][static_cast<std::size_t>(number)];
    return at == 0 ? nullptr : &attributes_[at - 1U];
}

std::vector<std::string> catalogue::near(std::string_view name, std::size_t count) const {
    std::vector<candidate> candidates;
    candidates.reserve(attributes_.size());
    for (const auto& a : attributes_) candidates.push_back({a.name, a.label});
    std::vector<std::string> out;
    for (const auto i : nearest(name, candidates, count)) out.push_back(attributes_[i].name);
    return out;
}

} // namespace zhida::matching
