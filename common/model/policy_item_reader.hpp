// The parts of a policy document that are read one by one: items and interpretations.
#pragma once

#include "common/model/document_reader.hpp"
#include "common/model/policy.hpp"

namespace zhida {

policy_item read_item(document_reader in);
interpretation read_interpretation(document_reader in);
// {start, end} and, where allowed, stages [{name, start, end}]. Absent: nothing set.
date_window read_window(document_reader& owner, std::string_view member, bool with_stages);

} // namespace zhida
