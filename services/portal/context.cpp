#include "services/portal/context.hpp"

#include <fstream>
#include <sstream>

namespace zhida::portal {

result<portal_files> load_portal_files(const std::string& config_dir) {
    auto pages = templates::load(config_dir + "/templates");
    if (!pages) return pages.error();
    auto assets = load_assets(config_dir + "/templates/assets");
    if (!assets) return assets.error();
    auto samples = load_samples(config_dir + "/samples/policies");
    if (!samples) return samples.error();

    const auto path = config_dir + "/openapi.json";
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    auto openapi = parse_json(text.str());
    if (!in || !openapi)
        return failure{errc::io, "cannot be read" + (openapi ? std::string() : ": " + openapi.error().what),
                       path, "is the installation complete?"};

    std::string all;
    for (const auto& [name, one] : *assets) all += one.etag;
    return ok(portal_files{std::move(*pages), std::move(*assets), crypto::sha256_hex(all).substr(0, 12),
                           std::move(*samples), std::move(*openapi)});
}

} // namespace zhida::portal
