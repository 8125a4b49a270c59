// What people wrote back by SMS, for the department that it is meant for; operators see all of it and give
// out what belongs to nobody.
#pragma once

#include "services/portal/access.hpp"
#include "services/portal/context.hpp"
#include "services/portal/paging.hpp"

#include <string>
#include <vector>

namespace zhida::portal {

// {id, at, department ("" none yet), gateway, to, phone (masked), text}
json feedback_document(const store::feedback_message& m);

struct feedback_list {
    json items = json::array(); // newest first
    std::int64_t before = 0;    // of the next page; 0: there is none
};
// What the visitor may see of it; unassigned: only what belongs to nobody.
asio::awaitable<result<feedback_list>> feedback_for(context& c, identity who, page_request paging,
                                                    bool unassigned);

// Departments that it can be given to: those that have campaigns, or letters already.
asio::awaitable<result<std::vector<std::string>>> known_departments(context& c);

// not_found: there is none of that id that belongs to nobody; invalid: no such department.
asio::awaitable<result<void>> assign_feedback(context& c, identity who, std::string id,
                                              std::string department);

} // namespace zhida::portal
