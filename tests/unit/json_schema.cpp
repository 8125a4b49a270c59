#include "tests/support/json_schema.hpp"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace zhida::tests {

std::string json_schema::why_not(const json& document) const {
    using adapter = valijson::adapters::NlohmannJsonAdapter;
    valijson::Schema schema;
    valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(adapter(schema_), schema);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    const adapter target(document);
    if (validator.validate(schema, target, &results)) return "";
    valijson::ValidationResults::Error error;
    std::string text = "invalid";
    if (results.popError(error)) {
        text.clear();
        for (const auto& part : error.context) text += part;
        text += ": " + error.description;
    }
    return text;
}

} // namespace zhida::tests
