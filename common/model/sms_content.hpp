// What short messages are made of: filed signatures, templates in versions, opt-out words by class. Pure.
// Read from config/sms_content.json, which whoever files signatures and templates keeps up to date.
#pragma once

#include "common/base/config.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida {

// Which opt-out words a message ends with.
enum class sms_class : std::uint8_t {
    notice,    // of policies
    emergency, // of a campaign of that urgency, whatever its template's class is
    service,   // an answer to the recipient
};
inline constexpr int sms_class_count = 3;
const char* to_string(sms_class) noexcept; // "notice", "emergency", "service"

// With the carriers: an SMS with a signature that is not filed does not go out.
enum class sms_filing : std::uint8_t { filed, pending, refused };
const char* to_string(sms_filing) noexcept; // "filed", "pending", "refused"

struct sms_signature {
    std::string text;                     // without its brackets
    std::vector<std::string> departments; // issuers of policies whose messages it signs
    sms_filing filing = sms_filing::pending;
    std::optional<std::int32_t> valid_until; // last day, Asia/Shanghai; nothing: without end
    std::string extension;                   // digits behind the account's src_id
};

// Text with {variables}; what they are is said by the template's key.
struct sms_template {
    std::string key;
    int version = 1;
    sms_class of = sms_class::notice;
    bool approved = false;
    std::string text;                       // without signature and opt-out words
    std::map<std::string, std::string> ids; // protocol ("aliyun") -> the vendor's id, where it has one
};

struct sms_content {
    std::string link_domain; // the only host, with those below it, that a text may name; empty: none
    int max_parts = 6;       // of a message, as billed
    std::array<std::string, sms_class_count> opt_out;
    std::vector<sms_signature> signatures;
    std::vector<sms_template> templates;
};

// Of a template of this key: a variable that every text must have, or may have.
struct sms_variable {
    std::string_view name;
    bool required;
};
// Keys: "policy" (of a package), "round" (of what is new in a further round), "correction", "test",
// "acknowledgement" (that somebody opted out). Null: no such key.
const std::vector<sms_variable>* sms_variables(std::string_view key) noexcept;

// Failure: the first error; all of them in `errors`, each with its JSON Pointer. Every key has an approved
// version, every text is one that may be sent.
result<sms_content> read_sms_content(const json& document, std::vector<failure>& errors);
// What of the configuration does not fit it: sms.signature that is not there, a number that gets too long.
std::vector<failure> check_sms_settings(const sms_content&, const sms_config&);

// What it may begin with, and somebody should look at: receipts that cannot come, templates without the ids
// that a vendor gave, numbers of the demonstration.
std::vector<failure> sms_warnings(const sms_content&, const sms_config&);

// The first one of the issuer's own; else the one that is named `otherwise`; null: there is none.
const sms_signature* signature_of(const sms_content&, std::string_view issuer,
                                  std::string_view otherwise) noexcept;
// Whom a reply to this number is for: the department that alone signs with its extension; "": not known.
// to: the whole number, or of a cloud the extension alone.
std::string department_of_number(const sms_content&, const sms_config&, std::string_view to);
// The highest approved version; null: there is none.
const sms_template* template_of(const sms_content&, std::string_view key) noexcept;

// With each {name} replaced; a name that is not given stays as it is.
std::string filled(std::string_view text, const std::map<std::string, std::string, std::less<>>& variables);
// Names in their order, each once.
std::vector<std::string> placeholders_in(std::string_view text);

// Why a text cannot go out.
struct sms_problem {
    enum class kind : std::uint8_t {
        no_signature,      // detail: its name
        signature_pending, // detail: its name
        signature_refused, //
        signature_expired, // detail: its name; number: last day
        no_template,       // detail: key
        link,              // detail: as it stands in the text
        placeholder,       // detail: {name}
        hidden_character,  // detail: "U+200B"
        too_long,          // number: parts
    };
    kind what = kind::link;
    std::string detail;
    std::int64_t number = 0;
    // Of the signature: nothing is wrong with the message, it can go out another day.
    bool of_signature() const noexcept { return what <= kind::signature_expired; }
    bool operator==(const sms_problem&) const = default;
};
// refused where it is of_signature(), else invalid; says what to do.
failure failure_of(const sms_problem&, const sms_content&);

// today: days since 1970-01-01 in Asia/Shanghai.
std::optional<sms_problem> signature_problem(const sms_signature&, std::int32_t today);
// Days until its last one, where that is near (at most 30) and it has not expired.
std::optional<std::int32_t> signature_ends_in(const sms_signature&, std::int32_t today);
// For operators: of the signatures in use (of departments, and the one that is named), what is wrong or ends
// soon; "" where nothing is.
std::string signature_news(const sms_content&, std::string_view otherwise, std::int32_t today);

// A text as it is read, with signature and opt-out words: links, placeholders, hidden characters.
std::vector<sms_problem> text_problems(const sms_content&, std::string_view text);

} // namespace zhida
