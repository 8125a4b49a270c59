// Pages as Mustache templates (config/templates/*.mustache), read once. Everything is escaped: templates that
// ask for unescaped text ({{{ and {{&) are refused when they are read.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"

#include <map>
#include <memory>
#include <string>

namespace zhida::portal {

class templates {
  public:
    // {{> name}} is replaced by the file name.mustache. All errors of all files are in the failure's text.
    static result<templates> load(const std::string& folder);
    // From texts, for tests: name -> source.
    static result<templates> from(const std::map<std::string, std::string>& sources);
    ~templates();
    templates(templates&&) noexcept;
    templates& operator=(templates&&) noexcept;

    // The model's numbers are written as they are, null counts as false. A name that was not loaded is a bug.
    std::string render(const std::string& name, const json& model) const;
    bool has(const std::string& name) const;

  private:
    templates();
    struct impl;
    std::unique_ptr<impl> impl_;
};

// A file of the page's furniture: style sheet, script.
struct asset {
    std::string content_type, body, etag;
};
// name -> asset: *.css, *.js, *.svg of the folder.
result<std::map<std::string, asset>> load_assets(const std::string& folder);

} // namespace zhida::portal
