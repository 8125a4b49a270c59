// 试发: a campaign sent to a few subjects before it is approved, from the API or from a page.
#pragma once

#include "services/portal/context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::portal {

// As a person writes them: between white space, commas and semicolons, Chinese ones too; each once.
std::vector<std::string> subject_ids_in(std::string_view text);

// The test's own campaign. invalid: none, more than ten, or somebody who cannot be reached or has no profile
// here; conflict: somebody who had five tests today, or of campaign_changes::test_round; not_found where the
// campaign is not theirs to see.
asio::awaitable<result<campaign>> send_test(context& c, identity who, std::string id,
                                            std::vector<std::string> named);

} // namespace zhida::portal
