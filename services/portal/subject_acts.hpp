// What a subject does with a package, from the API or from a page.
#pragma once

#include "services/portal/context.hpp"

namespace zhida::portal {

// Marks it seen and read; true where that is new. The change is also appended to zhida.delivery. not_found
// where the subject or the package is not there.
asio::awaitable<result<bool>> mark_read(context& c, std::string subject_id, std::string campaign);

} // namespace zhida::portal
