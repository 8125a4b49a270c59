#include "services/portal/feedback.hpp"

#include "common/base/log.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace zhida::portal {

json feedback_document(const store::feedback_message& m) {
    return {{"id", std::to_string(m.number)},
            {"at", to_rfc3339(m.at)},
            {"department", m.department},
            {"gateway", m.gateway},
            {"to", m.to},
            {"phone", log::masked(m.phone)},
            {"text", m.text}};
}

asio::awaitable<result<feedback_list>> feedback_for(context& c, identity who, page_request paging,
                                                    bool unassigned) {
    auto departments = co_await c.feedback.departments();
    if (!departments) co_return departments.error();
    std::erase_if(*departments, [&](const std::string& d) {
        return !may_see_feedback(who, d) || (unassigned && !d.empty());
    });
    auto page = co_await c.feedback.list(std::move(*departments), paging.limit, paging.before_ms);
    if (!page) co_return page.error();
    feedback_list out;
    for (const auto& m : page->messages) out.items.push_back(feedback_document(m));
    out.before = page->before;
    co_return out;
}

asio::awaitable<result<std::vector<std::string>>> known_departments(context& c) {
    auto with_letters = co_await c.feedback.departments();
    if (!with_letters) co_return with_letters.error();
    const auto progress = co_await c.progress.newest();
    if (!progress) co_return progress.error();
    std::set<std::string> names(with_letters->begin(), with_letters->end());
    for (const auto& p : **progress) names.insert(p.about.issuer);
    names.erase("");
    co_return std::vector<std::string>(names.begin(), names.end());
}

asio::awaitable<result<void>> assign_feedback(context& c, identity who, std::string id,
                                              std::string department) {
    std::int64_t number = 0;
    const auto [end, wrong] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (wrong != std::errc() || end != id.data() + id.size() || number <= 0)
        co_return failure{errc::not_found, "", id, ""};
    const auto known = co_await known_departments(c);
    if (!known) co_return known.error();
    if (std::find(known->begin(), known->end(), department) == known->end())
        co_return failure{errc::invalid, "没有这个部门：" + department, "department", ""};
    const auto moved = co_await c.feedback.assign(number, department);
    if (!moved) co_return moved.error();
    if (!*moved) co_return failure{errc::not_found, "", id, ""};
    log::info("feedback_assigned",
              {{"number", number}, {"department", department}, {"by", actor_of(who).name}});
    co_return result<void>{};
}

} // namespace zhida::portal
