#include "services/portal/test_send.hpp"

#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/store/keys.hpp"
#include "services/portal/access.hpp"
#include "services/portal/api.hpp"
#include "services/portal/problems.hpp"

#include <algorithm>

namespace zhida::portal {

std::vector<std::string> subject_ids_in(std::string_view text) {
    std::string plain(text);
    for (const std::string_view mark : {"，", "、", "；", "　"})
        for (auto at = plain.find(mark); at != std::string::npos; at = plain.find(mark, at))
            plain.replace(at, mark.size(), " ");
    std::vector<std::string> out;
    constexpr const char* between = " \t\r\n,;";
    for (auto from = plain.find_first_not_of(between); from != std::string::npos;) {
        const auto to = plain.find_first_of(between, from);
        auto id = plain.substr(from, to == std::string::npos ? to : to - from);
        if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
        from = plain.find_first_not_of(between, to);
    }
    return out;
}

namespace {

constexpr std::int64_t most_a_day = 5; // of one subject, over all campaigns: a test is no way to pester

// Who is not here and who cannot be reached are answered alike: a test tells nobody who has a profile.
failure cannot_be_tested(const std::string& subject) {
    return {errc::invalid, "不能试发给 " + subject, "/subjects", "只能试发给已有画像和联系方式的主体"};
}

// Adds one to today's tests of each, or takes it back: what each has had then.
asio::awaitable<result<std::vector<std::int64_t>>> count_tests(context& c, std::vector<chosen_subject> of,
                                                               const char* by) {
    const auto day = shanghai_day(c.time.now());
    std::vector<io::redis_args> commands;
    for (const auto& one : of) {
        commands.push_back({"INCRBY", store::keys::tests_of_day(one.id, day), by});
        commands.push_back({"EXPIRE", store::keys::tests_of_day(one.id, day), "90000"});
    }
    const auto replies = co_await c.redis.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<std::int64_t> had;
    for (std::size_t i = 0; i < replies->size(); i += 2) had.push_back((*replies)[i].integer);
    co_return had;
}

} // namespace

asio::awaitable<result<campaign>> send_test(context& c, identity who, std::string id,
                                            std::vector<std::string> named) {
    const auto base = co_await c.campaigns.get(id);
    if (!base) co_return base.error();
    if (!may_see_campaign(who, base->issuer)) co_return failure{errc::not_found, "推送任务 " + id, id, ""};
    if (named.empty() || named.size() > most_chosen)
        co_return failure{errc::invalid, "试发须指定 1 至 " + std::to_string(most_chosen) + " 个主体",
                          "/subjects", "填写统一社会信用代码或居民编号"};
    std::vector<chosen_subject> chosen;
    for (auto& subject : named) {
        const auto found = co_await c.profiles.get(subject);
        if (!found && found.error().code != errc::not_found) co_return found.error();
        if (!found || reachable(found->subject.contacts) == 0) co_return cannot_be_tested(subject);
        chosen.push_back({std::move(subject), found->ordinal});
    }
    // Counted before it is sent, so that two at once do not pass together.
    const auto all = chosen;
    const auto had = co_await count_tests(c, all, "1");
    if (!had) co_return had.error();
    auto made = result<campaign>(failure{errc::conflict, "有主体今天已试发 5 次", "/subjects", "请明天再试"});
    if (std::all_of(had->begin(), had->end(), [](auto n) { return n <= most_a_day; }))
        made = co_await c.changes.test_round(*base, std::move(chosen), actor_of(who));
    if (made)
        c.progress.forget();
    else if (const auto undone = co_await count_tests(c, all, "-1"); !undone)
        log::warn("a test that was not sent is counted", {{"why", undone.error().text()}});
    co_return made;
}

asio::awaitable<io::http_response> api_test_campaign(context& c, visitor v, io::http_request r) {
    const auto wrong = [] { return bad_request("正文须为 JSON 对象，如 {\"subjects\": [\"主体编号\"]}"); };
    const auto body = parse_json(r.body);
    if (!body || !body->is_object()) co_return wrong();
    const auto given = body->find("subjects");
    if (given == body->end() || !given->is_array()) co_return wrong();
    std::vector<std::string> named;
    for (const auto& one : *given) {
        if (!one.is_string()) co_return wrong();
        const auto& id = one.get_ref<const std::string&>();
        if (std::find(named.begin(), named.end(), id) == named.end()) named.push_back(id);
    }
    const auto made = co_await send_test(c, v.who, r.params.at("id"), std::move(named));
    if (!made) co_return of_failure(made.error());
    auto out = json_answer({{"id", made->id}, {"state", to_string(made->state)}}, 201);
    out.headers.emplace_back("Location", "/api/v1/campaigns/" + made->id);
    co_return out;
}

} // namespace zhida::portal
