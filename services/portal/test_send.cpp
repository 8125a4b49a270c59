#include "services/portal/test_send.hpp"

#include "common/base/murmur2.hpp"
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
        const auto shard = shard_of(subject, static_cast<int>(c.settings.node.shards));
        std::vector<std::string> one{subject};
        const auto ordinal = co_await c.profiles.ordinals(shard, std::move(one));
        if (!ordinal) co_return ordinal.error();
        if (!ordinal->front())
            co_return failure{errc::invalid, "没有主体 " + subject, "/subjects", "只能试发给已有画像的主体"};
        chosen.push_back({std::move(subject), *ordinal->front()});
    }
    auto made = co_await c.changes.test_round(*base, std::move(chosen), actor_of(who));
    if (made) c.progress.forget();
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
