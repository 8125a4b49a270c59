// API documents turned into what templates show: words, counts, marks. Pure.
#pragma once

#include "common/base/json.hpp"
#include "common/model/preferences.hpp"
#include "services/portal/texts.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cstdint>

namespace zhida::portal {

// Of package_document(): an article of a subject's page.
json package_view(const json& package, language in);
// Of policy_summary(): a line of a list. Of policy_document(): the whole page.
json policy_line_view(const json& summary, language in);
json policy_view(const json& policy, language in);
// Of campaign_document().
json campaign_view(const json& campaign, language in);
// Of summary_document(), gateways_document() and dead_letters::newest().
json summary_view(const json& summary, language in);
json dead_letters_view(const json& lines, std::int64_t total, language in);
// Of feedback_documents; departments: those that a letter of nobody can be given to.
json feedback_view(const json& letters, const std::vector<std::string>& departments, language in);
// Of the items of preview_policy().
json preview_view(const json& items, language in);
// Of read_checkup() or checkup_of().
json checkup_view(const json& checkup, language in);
// themes: first parts of the themes of known policies; the subject's own are added.
json preferences_view(const preferences& p, std::vector<std::string> themes, language in);
// The form that preferences.mustache draws, sent. Nothing: it was not filled in there.
std::optional<preferences> chosen_in(const std::map<std::string, std::string>& form);
// Of errors_document().
json errors_view(const json& errors, language in);

// Of a deadline's document: {text, kind}.
json deadline_view(const json& document, language in);
// Of explanation_document(), with the subject's marks and values: what whylist.mustache draws.
json reasons_view(const json& lines, language in);

// "2026-11-24 10:32", in Asia/Shanghai, of an RFC 3339 text; the text itself where it is none.
std::string short_time(const std::string& rfc3339);

} // namespace zhida::portal
