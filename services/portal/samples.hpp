// The sample documents that a department may start from: config/samples/policies/*.json.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <vector>

namespace zhida::portal {

struct sample_policy {
    std::string id, title, issuer;
    std::string text; // the document as it is in its file
};
// By id. A file that is not a JSON object is an error: it names the file.
result<std::vector<sample_policy>> load_samples(const std::string& folder);

} // namespace zhida::portal
