// JSON Schema draft 7 by valijson, an implementation that is not ours.
#pragma once

#include "common/base/json.hpp"

#include <string>

namespace zhida::tests {

class json_schema {
  public:
    explicit json_schema(json schema) : schema_(std::move(schema)) {}
    // "" where the document is valid, else the first complaint.
    std::string why_not(const json& document) const;

  private:
    json schema_;
};

} // namespace zhida::tests
