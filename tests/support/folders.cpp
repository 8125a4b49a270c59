#include "tests/support/folders.hpp"

namespace zhida::tests {

std::string in_source(const std::string& path) {
    return ZHIDA_SOURCE_DIR "/" + path;
}

} // namespace zhida::tests
