#include "services/portal/samples.hpp"

#include "common/base/json.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace zhida::portal {

result<std::vector<sample_policy>> load_samples(const std::string& folder) {
    std::vector<sample_policy> out;
    std::error_code ec;
    if (!std::filesystem::exists(folder, ec)) return out; // an installation may leave the samples out
    for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
        if (entry.path().extension() != ".json") continue;
        std::ifstream in(entry.path(), std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        auto document = parse_json(text.str());
        if (!document || !document->is_object())
            return failure{errc::invalid, document ? "not an object" : document.error().what,
                           entry.path().string(), "correct or remove this sample"};
        const auto member = [&](const char* name) {
            const auto found = document->find(name);
            return found != document->end() && found->is_string() ? found->get<std::string>() : std::string();
        };
        out.push_back({member("id"), member("title"), member("issuer"), text.str()});
    }
    if (ec) return failure{errc::io, "cannot be listed: " + ec.message(), folder, ""};
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return ok(std::move(out));
}

} // namespace zhida::portal
