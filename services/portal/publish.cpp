#include "services/portal/publish.hpp"

#include "common/model/campaign.hpp"
#include "matching/policy_check.hpp"
#include "services/portal/access.hpp"
#include "services/publishing.hpp"

namespace zhida::portal {

namespace {

using outcome = std::variant<publish_refusal, published>;

publish_refusal refused(publish_refusal::kind why, failure f) {
    return {why, {std::move(f)}};
}

// By itself: form, conditions, issuer.
check_outcome check_alone(context& c, const identity& who, const std::string& text) {
    auto document = parse_json(text);
    if (!document) {
        auto f = document.error();
        f.where = "";
        return refused(publish_refusal::kind::unreadable, std::move(f));
    }
    std::vector<failure> errors;
    auto checked = matching::check_policy(*document, c.parts.catalogue, errors);
    if (!checked) {
        if (errors.empty()) errors.push_back(checked.error());
        return publish_refusal{publish_refusal::kind::invalid, std::move(errors)};
    }
    const auto& issuer = checked->document.issuer;
    if (!may_publish(who, issuer))
        return refused(publish_refusal::kind::not_own_issuer,
                       {errc::refused, "发布单位“" + issuer + "”不是当前登录的部门“" + who.name + "”",
                        "/issuer", "改为本部门，或以该部门的身份登录"});
    return checked_document{std::move(*document), std::move(checked->document), false};
}

} // namespace

asio::awaitable<result<check_outcome>> check_document(context& c, identity who, std::string text) {
    auto checked = check_alone(c, who, text);
    auto* good = std::get_if<checked_document>(&checked);
    if (!good) co_return std::move(checked);
    const auto& about = good->about;
    const auto stored = co_await c.policies.get(about.id);
    if (!stored && stored.error().code == errc::not_found) co_return std::move(checked);
    if (!stored) co_return stored.error();
    const auto held = stored->document.value("issuer", "");
    if (!may_publish(who, held))
        co_return check_outcome(refused(publish_refusal::kind::not_own_issuer,
                                        {errc::refused, "编号 " + about.id + " 已由“" + held + "”使用", "/id",
                                         "为这份政策另取一个编号"}));
    auto repeated = repeats(*stored, about, good->document);
    if (!repeated) co_return check_outcome(refused(publish_refusal::kind::version_taken, repeated.error()));
    good->repeated = *repeated;
    co_return std::move(checked);
}

asio::awaitable<result<outcome>> publish(context& c, identity who, std::string text) {
    const auto by = actor_of(who).name;
    auto checked = co_await check_document(c, std::move(who), std::move(text));
    if (!checked) co_return checked.error();
    if (auto* refusal = std::get_if<publish_refusal>(&*checked)) co_return outcome(std::move(*refusal));
    const auto& good = std::get<checked_document>(*checked);
    const auto& about = good.about;

    published out;
    out.id = about.id;
    out.version = about.version;
    out.public_ = about.may_be_pushed();
    out.repeated = good.repeated;
    out.location = "/api/v1/policies/" + about.id;
    out.campaign = campaign_id(about.id, about.version, 1);
    if (out.repeated) co_return outcome(std::move(out));

    auto appended = co_await c.log->append(policy_message(about, good.document, c.time.now(), by));
    if (!appended) co_return appended.error();
    c.compiled.forget(about.id);
    co_return outcome(std::move(out));
}

} // namespace zhida::portal
