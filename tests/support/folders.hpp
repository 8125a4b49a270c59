// Where the source tree is: known to one file only, so that the other objects serve every clone (ccache).
#pragma once

#include <string>

namespace zhida::tests {

// "config/catalogue" -> "<source tree>/config/catalogue"
std::string in_source(const std::string& path);

} // namespace zhida::tests
