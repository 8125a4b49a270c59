// Where the catalogue, the schemas, the samples and the templates are.
#pragma once

#include "common/base/config.hpp"

#include <string>

namespace zhida {

// node.config_dir where it is set; else ../share/zhida/config beside the program's folder, where it is
// installed; else the source tree it was built from. Not checked: what is read from it reports what is
// missing.
std::string config_folder(const config&);

} // namespace zhida
