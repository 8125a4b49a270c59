// Publishing a policy document, from the API or from a page: check, then append to zhida.policy.
#pragma once

#include "services/portal/context.hpp"

#include <variant>

namespace zhida::portal {

struct publish_refusal {
    enum class kind { unreadable, invalid, not_own_issuer, version_taken } why = kind::invalid;
    std::vector<failure> errors; // every one, `where` being a JSON Pointer
};
struct published {
    std::string id;
    int version = 1;
    bool public_ = true;   // 主动公开: will be pushed
    bool repeated = false; // the same version with the same content was there already: nothing was appended
    std::string location;  // "/api/v1/policies/<id>"
    std::string campaign;  // what it will be called
};

struct checked_document {
    json document;
    policy about;
    bool repeated = false; // as in `published`
};
// The document by itself, then against what is stored: what passes here is what publish() takes. Failure:
// unavailable or timeout of the store.
using check_outcome = std::variant<publish_refusal, checked_document>;
asio::awaitable<result<check_outcome>> check_document(context& c, identity who, std::string text);

// Durable when it answers. Failure: unavailable or timeout of the event log or the store.
asio::awaitable<result<std::variant<publish_refusal, published>>> publish(context& c, identity who,
                                                                          std::string text);

} // namespace zhida::portal
