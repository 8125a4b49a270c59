// JSON files of the tree, for tests: a file that cannot be read is a bug and throws.
#pragma once

#include "common/base/json.hpp"
#include "tests/support/folders.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace zhida::tests {

inline std::string config_path(const std::string& name) {
    return in_source("config/" + name);
}

inline json read_json_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot open " + path.string());
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    return parse_json(text).value();
}

inline json config_file(const std::string& name) {
    return read_json_file(config_path(name));
}

// Every .json of the folder with its file name, in order of names.
inline std::vector<std::pair<std::string, json>> json_files(const std::string& folder) {
    std::vector<std::pair<std::string, json>> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".json")
            out.emplace_back(entry.path().filename().string(), read_json_file(entry.path()));
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return out;
}

} // namespace zhida::tests
