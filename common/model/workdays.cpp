#include "common/model/workdays.hpp"

#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"

#include <algorithm>

namespace zhida {

namespace {

constexpr const char* supported_schema = "zhida.holidays/1";

// 1970-01-01 was a Thursday.
bool weekend(std::int32_t day) noexcept {
    const int from_monday = ((day + 3) % 7 + 7) % 7;
    return from_monday >= 5;
}

void read_off(document_reader in, std::vector<std::int32_t>& off) {
    if (!in.is_object()) return;
    in.known({"name", "start", "end"});
    static_cast<void>(in.words("name", true, 100));
    const auto start = in.date("start", true), end = in.date("end", true);
    if (!start || !end) return;
    constexpr int longest = 31;
    if (*end < *start || *end - *start >= longest)
        return in.error_at("end", "is not within a month after start", "give first and last day");
    for (auto day = *start; day <= *end; ++day) off.push_back(day);
}

void read_work(document_reader& in, std::vector<std::int32_t>& work) {
    const json* days = in.list("work", true, 0, 64);
    for (std::size_t i = 0; days && i < days->size(); ++i) {
        const auto& text = (*days)[i];
        std::int32_t day = 0;
        if (text.is_string() && parse_date(text.get_ref<const std::string&>(), day))
            work.push_back(day);
        else
            in.errors().push_back({errc::invalid, "is not a date", in.at("work") + "/" + std::to_string(i),
                                   "write it as \"2026-02-14\""});
    }
}

} // namespace

result<workdays> workdays::read(const json& document, std::vector<failure>& errors) {
    const auto before = errors.size();
    workdays out;
    document_reader in(document, "", errors);
    if (!in.is_object()) return errors[before];
    in.known({"schema", "note", "years"});
    static_cast<void>(in.choice("schema", true, {supported_schema}));
    const json* years = in.list("years", true, 0, 200);
    for (std::size_t i = 0; years && i < years->size(); ++i) {
        document_reader year((*years)[i], in.at("years") + "/" + std::to_string(i), errors);
        if (!year.is_object()) continue;
        year.known({"year", "source", "off", "work"});
        if (const auto n = year.integer("year", true, 1970, 9999)) out.years_.push_back(static_cast<int>(*n));
        static_cast<void>(year.words("source", true, 200));
        const json* off = year.list("off", true, 0, 64);
        for (std::size_t k = 0; off && k < off->size(); ++k)
            read_off({(*off)[k], year.at("off") + "/" + std::to_string(k), errors}, out.off_);
        read_work(year, out.work_);
    }
    if (errors.size() > before) return errors[before];
    std::sort(out.years_.begin(), out.years_.end());
    std::sort(out.off_.begin(), out.off_.end());
    std::sort(out.work_.begin(), out.work_.end());
    return out;
}

bool workdays::is_workday(std::int32_t day) const noexcept {
    if (std::binary_search(work_.begin(), work_.end(), day)) return true;
    return !weekend(day) && !std::binary_search(off_.begin(), off_.end(), day);
}

std::int32_t workdays::minus_workdays(std::int32_t day, int n) const noexcept {
    while (n > 0)
        if (is_workday(--day)) --n;
    return day;
}

} // namespace zhida
