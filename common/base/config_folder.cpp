#include "common/base/config_folder.hpp"

#include <filesystem>
#include <system_error>

namespace zhida {

std::string config_folder(const config& c) {
    if (!c.node.config_dir.empty()) return c.node.config_dir;
    std::error_code none;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
    if (!none) {
        const auto installed = program.parent_path().parent_path() / "share" / "zhida" / "config";
        if (std::filesystem::is_directory(installed, none)) return installed.string();
    }
    return ZHIDA_SOURCE_CONFIG_DIR;
}

} // namespace zhida
