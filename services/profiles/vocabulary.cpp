#include "services/profiles/vocabulary.hpp"

namespace zhida::profiles {

void vocabulary::miss(std::string what) {
    missing_ += (missing_.empty() ? "" : ", ") + std::move(what);
}

int vocabulary::number(std::string_view attribute) {
    if (const auto* a = catalogue_->find(attribute)) return a->number;
    miss(std::string(attribute));
    return 0;
}

const matching::term* vocabulary::find(std::string_view attribute, std::string_view code) {
    const auto* a = catalogue_->find(attribute);
    const auto* t = a ? a->find_term(code) : nullptr;
    if (!t) miss(std::string(attribute) + " " + std::string(code));
    return t;
}

std::vector<std::int64_t> vocabulary::terms(std::string_view attribute,
                                            std::initializer_list<std::string_view> codes) {
    std::vector<std::int64_t> numbers;
    for (const auto code : codes) {
        const auto* t = find(attribute, code);
        numbers.push_back(t ? t->number : 0);
    }
    return numbers;
}

std::int64_t vocabulary::bit(std::string_view attribute, std::string_view code) {
    const auto* t = find(attribute, code);
    return t ? std::int64_t{1} << t->number : 0;
}

std::int64_t vocabulary::division(std::string_view code) {
    if (!catalogue_->divisions().find(code)) {
        miss("division " + std::string(code));
        return 0;
    }
    return std::stoll(std::string(code));
}

std::vector<std::int64_t> vocabulary::industries_below(std::string_view prefix) {
    std::vector<std::int64_t> codes;
    const auto& list = catalogue_->industries();
    const auto top = list.index_of(prefix);
    if (top != matching::code_list::npos)
        for (auto i = top; i < list.end_of(top); ++i)
            if (list.entries()[i].level == 4) codes.push_back(pack_code(list.entries()[i].code));
    if (codes.empty()) {
        miss("industries of " + std::string(prefix));
        codes.push_back(0);
    }
    return codes;
}

std::vector<std::int64_t> vocabulary::villages_below(std::string_view street) {
    std::vector<std::int64_t> codes;
    const auto& list = catalogue_->divisions();
    const auto top = list.index_of(street);
    if (top != matching::code_list::npos)
        for (auto i = top + 1; i < list.end_of(top); ++i)
            if (list.entries()[i].level == 5) codes.push_back(std::stoll(list.entries()[i].code));
    if (codes.empty()) { // a place without any: the street itself
        codes.push_back(division(street));
    }
    return codes;
}

result<void> vocabulary::complete() const {
    if (missing_.empty()) return {};
    return failure{errc::invalid, "the catalogue lacks what the synthetic population has: " + missing_, "",
                   "use the catalogue that came with this version"};
}

} // namespace zhida::profiles
