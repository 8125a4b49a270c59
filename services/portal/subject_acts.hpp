// What a subject does, from the API or from a page.
#pragma once

#include "services/portal/access.hpp"
#include "services/portal/context.hpp"

namespace zhida::portal {

// Themselves, or an operator; everybody else learns nothing.
asio::awaitable<result<store::stored_profile>> visible_subject(context& c, identity who, std::string id);

// Says it now, through consent_log::record. who: a subject's id, or the digest of a number.
asio::awaitable<result<void>> record_consent(context& c, identity by, consent_kind kind, std::string who,
                                             preferences chosen = {});

// Marks it seen and read; true where that is new. The change is also appended to zhida.delivery. not_found
// where the subject or the package is not there.
asio::awaitable<result<bool>> mark_read(context& c, std::string subject_id, std::string campaign);

} // namespace zhida::portal
