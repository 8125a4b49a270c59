// zhida synth: writes a synthetic population as JSON Lines or CSV.
#include "common/base/clock.hpp"
#include "common/base/config_folder.hpp"
#include "common/base/json.hpp"
#include "matching/catalogue.hpp"
#include "services/commands.hpp"
#include "services/profiles/profile_writer.hpp"
#include "services/profiles/synthesis.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>

namespace zhida::commands {

namespace {

struct file_closer {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using open_file = std::unique_ptr<std::FILE, file_closer>;

int fail(const failure& why, int code = 1) {
    std::cerr << why.text() << "\n";
    return code;
}

failure cannot_write(const std::string& out) {
    return {errc::io, std::string("cannot be written: ") + std::strerror(errno), out,
            "look for a full disk or missing rights"};
}

// The first of the month, so that a seed gives the same file for weeks and ages stay right over the years.
std::int32_t reference_day() {
    std::int32_t day = 0;
    parse_date(format_date(shanghai_day(system_clock().now())).substr(0, 8) + "01", day);
    return day;
}

} // namespace

int synth(const options& o, const synth_options& s) {
    if (s.enterprises < 0 || s.residents < 0 || s.enterprises > 10'000'000 || s.residents > 20'000'000)
        return fail({errc::invalid,
                     "at most 10 million enterprises and 20 million residents, none below zero", "synth",
                     "beyond that telephone numbers would repeat"},
                    2);
    if (s.out.empty())
        return fail({errc::invalid, "no file to write to", "synth", "give --out FILE, or -"}, 2);
    const auto catalogue = matching::catalogue::load(config_folder(o.settings) + "/catalogue");
    if (!catalogue) return fail(catalogue.error());
    auto population = profiles::synthesis::make(
        *catalogue,
        {.enterprises = s.enterprises, .residents = s.residents, .seed = s.seed, .day = reference_day()});
    if (!population) return fail(population.error());

    const bool csv = s.out.ends_with(".csv");
    const open_file owned(s.out == "-" ? nullptr : std::fopen(s.out.c_str(), "wb"));
    std::FILE* const file = s.out == "-" ? stdout : owned.get();
    if (!file) return fail(cannot_write(s.out));
    std::string buffer;
    if (csv) profiles::append_csv_header(buffer, *catalogue);
    std::int64_t rows = 0, bytes = 0;
    const auto flush = [&] {
        bytes += static_cast<std::int64_t>(buffer.size());
        const bool done = std::fwrite(buffer.data(), 1, buffer.size(), file) == buffer.size();
        buffer.clear();
        return done;
    };
    for (profile p; population->next(p); ++rows) {
        if (csv)
            profiles::append_csv_row(buffer, p, *catalogue);
        else
            profiles::append_json_line(buffer, p, *catalogue);
        if (buffer.size() >= (1 << 18) && !flush()) return fail(cannot_write(s.out));
    }
    if (!flush() || std::fflush(file) != 0) return fail(cannot_write(s.out));
    if (s.out == "-") return 0; // standard output holds the population
    if (o.json)
        std::cout << to_text({{"file", s.out}, {"rows", rows}, {"bytes", bytes}, {"seed", s.seed}}) << "\n";
    else
        std::cout << "合成数据：" << s.enterprises << " 家企业、" << s.residents << " 位居民 → " << s.out
                  << "（" << bytes / 1000 << " kB，种子 " << s.seed << "）\n";
    return 0;
}

} // namespace zhida::commands
