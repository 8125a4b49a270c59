// How many rows a second become events, in memory: reading and checking a file, and sealing and encoding what
// goes into zhida.profile. One JSON line a figure.
#include "common/base/clock.hpp"
#include "common/base/config_folder.hpp"
#include "common/base/crypto.hpp"
#include "services/profiles/import_reader.hpp"
#include "services/profiles/profile_writer.hpp"
#include "services/profiles/synthesis.hpp"
#include "services/publishing.hpp"

#include <chrono>
#include <iostream>

namespace {

using namespace zhida;

constexpr std::int64_t enterprises = 10000, residents = 30000;
constexpr std::int32_t day = 20780;

template <class Work>
double seconds(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void figure(const std::string& name, double value, const char* unit) {
    std::cout << json{{"name", name}, {"value", value}, {"unit", unit}}.dump() << "\n";
}

std::vector<profile> read(const matching::catalogue& c, const std::string& text) {
    profiles::import_reader reader(c, {.today = day, .default_origin = "import"});
    std::vector<profile> all;
    for (std::size_t at = 0; at < text.size(); at += 256 * 1024) {
        reader.feed(std::string_view(text).substr(at, 256 * 1024)).value();
        for (auto& p : reader.take_profiles()) all.push_back(std::move(p));
    }
    reader.finish().value();
    for (auto& p : reader.take_profiles()) all.push_back(std::move(p));
    if (reader.counts().bad != 0) throw std::runtime_error("the synthetic population has bad rows");
    return all;
}

} // namespace

int main() {
    const auto catalogue = matching::catalogue::load(config_folder({}) + "/catalogue").value();
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, 'a')).value();
    const auto rows = static_cast<double>(enterprises + residents);

    std::vector<profile> made;
    figure("synth_rows_s",
           rows / seconds([&] {
               auto s =
                   profiles::synthesis::make(
                       catalogue, {.enterprises = enterprises, .residents = residents, .seed = 1, .day = day})
                       .value();
               for (profile p; s.next(p);) made.push_back(p);
           }),
           "rows/s");
    std::string lines, csv;
    figure("synth_write_json_rows_s", rows / seconds([&] {
                                          for (const auto& p : made)
                                              profiles::append_json_line(lines, p, catalogue);
                                      }),
           "rows/s");
    profiles::append_csv_header(csv, catalogue);
    figure("synth_write_csv_rows_s", rows / seconds([&] {
                                         for (const auto& p : made)
                                             profiles::append_csv_row(csv, p, catalogue);
                                     }),
           "rows/s");

    std::vector<profile> from_csv, from_json;
    const double csv_s = seconds([&] { from_csv = read(catalogue, csv); });
    const double json_s = seconds([&] { from_json = read(catalogue, lines); });
    if (from_csv != made || from_json != made) throw std::runtime_error("the files do not read as they were");
    figure("import_read_csv_rows_s", rows / csv_s, "rows/s");
    figure("import_read_json_rows_s", rows / json_s, "rows/s");

    std::size_t bytes = 0;
    const double encode_s = seconds([&] {
        const auto now = system_clock().now();
        for (const auto& p : made) bytes += profile_message(p, catalogue, sealer, 64, now).value.size();
    });
    figure("import_encode_rows_s", rows / encode_s, "rows/s");
    figure("import_parse_rows_s", rows / (csv_s + encode_s), "rows/s");
    figure("import_event_bytes", static_cast<double>(bytes) / rows, "bytes");

    std::size_t packed = 0, enterprises_packed = 0;
    for (const auto& p : made) {
        const auto size = pack_profile(p, 0, {}).size();
        packed += size;
        if (p.type == subject_type::enterprise) enterprises_packed += size;
    }
    figure("profile_packed_bytes", static_cast<double>(packed) / rows, "bytes");
    figure("profile_packed_enterprise_bytes", static_cast<double>(enterprises_packed) / enterprises, "bytes");
}
