// The department's desk: check and publish a document, then watch its campaign.
#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/io/http_decode.hpp"
#include "common/model/campaign_life.hpp"
#include "services/portal/api.hpp"
#include "services/portal/audience_preview.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/pages.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/publish.hpp"
#include "services/portal/sms_preview.hpp"
#include "services/portal/test_send.hpp"
#include "services/portal/views.hpp"

#include <algorithm>
#include <map>

namespace zhida::portal {

namespace {

constexpr std::size_t policies_shown = 100;

json sample_options(context& c, const identity& who, const std::string& chosen) {
    json out = json::array();
    // One's own first: those that can be published as they are.
    for (const bool own : {true, false})
        for (const auto& s : c.files.samples)
            if (may_publish(who, s.issuer) == own)
                out.push_back(
                    {{"id", s.id}, {"title", s.title}, {"issuer", s.issuer}, {"selected", s.id == chosen}});
    return out;
}

asio::awaitable<result<json>> own_policies(context& c, const visitor& v) {
    const auto policies = co_await c.compiled.list(policies_shown, 0);
    if (!policies) co_return policies.error();
    const auto progress = co_await c.progress.newest();
    if (!progress) co_return progress.error();
    std::map<std::string, const store::campaign_progress*> by_id;
    std::map<std::string, json> of_policy; // id -> its campaigns, newest first
    for (const auto& p : **progress) {
        by_id[p.about.id] = &p;
        of_policy[p.about.policy_id].push_back(
            {{"path", io::percent_encode(p.about.id)}, {"version", p.about.policy_version}});
    }
    json out = json::array();
    for (const auto& p : *policies) {
        if (!may_see_campaign(v.who, p->about.issuer)) continue;
        const auto summary = policy_summary(*p);
        auto line = policy_line_view(summary, v.in);
        const auto& id = summary.at("campaign");
        const auto found = id.is_string() ? by_id.find(id.get<std::string>()) : by_id.end();
        line["progress"] =
            found == by_id.end() ? json(false) : campaign_view(campaign_document(*found->second), v.in);
        line["older"] = json::array();
        for (const auto& one : of_policy[p->about.id])
            if (one.at("version").get<int>() < p->about.version) line["older"].push_back(one);
        line["has_older"] = !line["older"].empty();
        out.push_back(std::move(line));
    }
    co_return ok(std::move(out));
}

// The desk with whatever was just tried.
asio::awaitable<io::http_response> desk(context& c, visitor v, io::http_request r, json extra,
                                        int status = 200) {
    const auto policies = co_await own_policies(c, v);
    if (!policies) co_return page_of_failure(c, v, r, policies.error());
    json model = {{"title", text(v.in, "department_title")},
                  {"document", ""},
                  {"errors", false},
                  {"preview", false},
                  {"policies", *policies},
                  {"empty", policies->empty()},
                  {"has_samples", !c.files.samples.empty()},
                  {"live", "/api/v1/live"}};
    model["list_title"] = text(
        v.in, v.who.as == role::department && !v.who.name.empty() ? "own_policies" : "all_policies_staff");
    std::string chosen;
    if (const auto sample = r.query.find("sample"); sample != r.query.end())
        for (const auto& s : c.files.samples)
            if (s.id == sample->second) {
                chosen = s.id;
                model["document"] = s.text;
            }
    model["samples"] = sample_options(c, v.who, chosen);
    model.update(extra);
    co_return render_page(c, v, r, "department", std::move(model), status);
}

asio::awaitable<io::http_response> refused(context& c, visitor v, io::http_request r, std::string document,
                                           publish_refusal refusal) {
    co_return co_await desk(
        c, v, r, {{"document", document}, {"errors", errors_view(errors_document(refusal.errors), v.in)}},
        422);
}

// What the preview's place shows: the items, or why there are none.
json preview_model(json items, json several, json problem) {
    return {{"items", std::move(items)},
            {"several", std::move(several)},
            {"preview_problem", std::move(problem)}};
}

asio::awaitable<io::http_response> desk_with_preview(context& c, visitor v, io::http_request r,
                                                     std::string document) {
    json extra = {{"document", document}};
    const auto failed = [&](const failure& why) {
        log::warn("audience not previewed", {{"why", why.text()}});
        const auto* told = why.code == errc::exhausted ? "preview_busy" : "preview_unavailable";
        extra["preview"] = preview_model(json::array(), false, text(v.in, told));
        return desk(c, v, r, std::move(extra), 503);
    };
    auto checked = co_await check_document(c, v.who, document);
    if (!checked) co_return co_await failed(checked.error());
    if (auto* refusal = std::get_if<publish_refusal>(&*checked)) {
        extra["errors"] = errors_view(errors_document(refusal->errors), v.in);
        extra["preview"] = preview_model(json::array(), false, text(v.in, "preview_wrong"));
        co_return co_await desk(c, v, r, std::move(extra), 422);
    }
    const auto found = co_await preview_policy(c, v.who, std::get<checked_document>(*checked).about);
    if (!found) co_return co_await failed(found.error());
    const bool several = !found->at("note").is_null();
    extra["preview"] = preview_model(preview_view(found->at("items"), v.in),
                                     several ? json(text(v.in, "preview_several")) : json(false), false);
    co_return co_await desk(c, v, r, std::move(extra));
}

asio::awaitable<io::http_response> unavailable(context& c, visitor v, io::http_request r,
                                               std::string document, failure why) {
    co_return co_await desk(
        c, v, r, {{"document", document}, {"warning", text(v.in, "publish_failed", {{"why", why.text()}})}},
        503);
}

const char* audience_words(push_reach reach) {
    switch (reach) {
    case push_reach::eligible:
        return "audience_eligible";
    case push_reach::decided:
        return "audience_decided";
    case push_reach::possible:
        break;
    }
    return "audience_possible";
}

// What became of a policy that has no campaign to show (yet).
asio::awaitable<io::http_response> without_campaign(context& c, visitor v, io::http_request r,
                                                    std::string id) {
    const auto name = parse_campaign_id_parts(id);
    if (!name) co_return error_page(c, v, r, 404, "");
    const auto policy = co_await c.compiled.get(name->policy);
    if (!policy && policy.error().code != errc::not_found) co_return page_of_failure(c, v, r, policy.error());
    const bool waiting =
        r.query.contains("published"); // we sent the reader here: the matcher has not come to it
    if (!policy && !waiting) co_return error_page(c, v, r, 404, "");
    if (policy && !may_see_campaign(v.who, (*policy)->about.issuer)) co_return error_page(c, v, r, 404, "");
    json model = {{"id", id}, {"policy_path", name->policy}, {"live", "/api/v1/live"}};
    model["title"] = policy ? (*policy)->about.title : name->policy;
    model["known"] = static_cast<bool>(policy);
    const bool kept = policy && !(*policy)->about.may_be_pushed();
    model["kept"] = kept;
    if (kept)
        model["kept_text"] = text(v.in, "saved_not_pushed_text",
                                  {{"disclosure", fixed_word(v.in, (*policy)->about.disclosure)}});
    co_return render_page(c, v, r, "campaign_waiting", std::move(model));
}

// What may be done now, why it waits for a second person, and what was done so far.
void fill_life(json& model, const campaign& about, language in) {
    model["actions"] = json::array();
    for (const auto action : allowed_actions(about.state)) {
        if (action == campaign_action::start || action == campaign_action::finish ||
            action == campaign_action::schedule)
            continue; // the scheduler's
        const bool grave = action == campaign_action::cancel || action == campaign_action::withdraw;
        const bool forward = action == campaign_action::approve || action == campaign_action::submit ||
                             action == campaign_action::resume;
        model["actions"].push_back({{"name", to_string(action)},
                                    {"label", text(in, std::string("act_") + to_string(action))},
                                    {"kind", grave     ? "second grave"
                                             : forward ? ""
                                                       : "second"}});
    }
    model["has_actions"] = !model["actions"].empty();
    const bool elsewhere = std::any_of(about.channels.begin(), about.channels.end(),
                                       [](channel via) { return via != channel::web; });
    model["may_test"] = !final(about.state) && about.kind != "test" && elsewhere;
    model["subjects"] = "";
    model["approval_reasons"] = json::array();
    if (about.state == campaign_state::submitted)
        for (const auto& why : about.approval_reasons) model["approval_reasons"].push_back({{"text", why}});
    model["waits_for_approval"] = about.state == campaign_state::submitted;
    model["history"] = json::array();
    for (auto step = about.history.rbegin(); step != about.history.rend(); ++step)
        model["history"].push_back({{"at", short_time(to_rfc3339(wall_time(milliseconds(step->at_ms))))},
                                    {"what", text(in, std::string("act_") + to_string(step->action))},
                                    {"who", step->by.empty() ? text(in, "role_" + step->role) : step->by},
                                    {"note", step->note}});
    model["has_history"] = !model["history"].empty();
}

// What its recipients read in an SMS, as it would be made today: of the first item that somebody was matched
// for, with what is wrong with any of them; false: it sends none.
json sms_of_page(const context& c, const store::campaign_progress& progress, const campaign& about,
                 const policy& p, language in) {
    const auto of_sms = std::find_if(progress.channels.begin(), progress.channels.end(),
                                     [](const channel_progress& one) { return one.via == channel::sms; });
    if (!c.settings.sms.enabled || of_sms == progress.channels.end() || p.items.empty()) return false;
    auto recipients = of_sms->matched();
    for (const auto over : {ledger::state::suppressed, ledger::state::cancelled, ledger::state::expired})
        recipients -= of_sms->states[static_cast<std::size_t>(over)];
    const auto today = shanghai_day(c.time.now());
    const auto of_item = [&](std::size_t item) {
        return sms_document(sms_of_campaign(c.files.sms, c.settings.sms, about, p, item, today), c.files.sms,
                            c.settings.sms, recipients, today);
    };
    json shown;
    for (std::size_t i = 0; i < p.items.size() && i < progress.items.size(); ++i) {
        if (progress.items[i].eligible + progress.items[i].possible == 0) continue;
        auto one = of_item(i);
        if (shown.is_null()) {
            shown = std::move(one);
            continue;
        }
        auto& warnings = shown["warnings"];
        for (const auto& w : one.at("warnings"))
            if (std::find(warnings.begin(), warnings.end(), w) == warnings.end()) warnings.push_back(w);
    }
    return sms_view(shown.is_null() ? of_item(0) : shown, in);
}

// extra: what the page says besides.
asio::awaitable<io::http_response> show_campaign(context& c, visitor v, io::http_request r, std::string id,
                                                 json extra, int status) {
    const auto about = co_await c.campaigns.get(id);
    if (!about && about.error().code == errc::not_found) co_return co_await without_campaign(c, v, r, id);
    if (!about) co_return page_of_failure(c, v, r, about.error());
    if (!may_see_campaign(v.who, about->issuer)) co_return error_page(c, v, r, 404, "");
    const auto policy = co_await c.compiled.get_version(about->policy_id, about->policy_version);
    if (!policy) co_return page_of_failure(c, v, r, policy.error());
    const auto progress = co_await c.campaigns.progress(id, (*policy)->about.items.size());
    if (!progress) co_return page_of_failure(c, v, r, progress.error());
    auto model = campaign_view(campaign_document(*progress), v.in);
    model["audience_text"] = text(v.in, audience_words((*policy)->about.reach));
    for (std::size_t i = 0; i < model["items"].size(); ++i)
        model["items"][i]["title"] = i < (*policy)->about.items.size() ? (*policy)->about.items[i].title : "";
    model["live"] = "/api/v1/live";
    model["sms"] = sms_of_page(c, *progress, *about, (*policy)->about, v.in);
    fill_life(model, *about, v.in);
    if (const auto done = r.query.find("done"); done != r.query.end())
        model["notice"] = text(v.in, "campaign_changed");
    if (r.query.contains("tested")) model["notice"] = text(v.in, "test_made");
    if (const auto again = r.query.find("published"); again != r.query.end() && again->second == "again")
        model["notice"] = text(v.in, "repeated");
    model.update(extra);
    co_return render_page(c, v, r, "campaign", std::move(model), status);
}

} // namespace

asio::awaitable<io::http_response> post_campaign_act(context& c, visitor v, io::http_request r) {
    const auto field = [&](const char* name) {
        const auto found = v.form.find(name);
        return found == v.form.end() ? std::string() : found->second;
    };
    const auto id = r.params.at("id");
    const auto done = co_await act_on_campaign(c, v.who, id, field("action"), field("note"));
    if (!done && (done.error().code == errc::conflict || done.error().code == errc::invalid))
        co_return co_await show_campaign(c, v, r, id,
                                         {{"warning", done.error().what + "。" + done.error().fix}}, 409);
    if (!done) co_return page_of_failure(c, v, r, done.error());
    co_return redirect("/campaigns/" + io::percent_encode(id) + "?done=1");
}

asio::awaitable<io::http_response> post_campaign_test(context& c, visitor v, io::http_request r) {
    const auto id = r.params.at("id");
    const auto given = v.form.find("subjects");
    const auto named = given == v.form.end() ? std::string() : given->second;
    const auto made = co_await send_test(c, v.who, id, subject_ids_in(named));
    if (!made && (made.error().code == errc::conflict || made.error().code == errc::invalid))
        co_return co_await show_campaign(
            c, v, r, id, {{"warning", made.error().what + "。" + made.error().fix}, {"subjects", named}},
            409);
    if (!made) co_return page_of_failure(c, v, r, made.error());
    co_return redirect("/campaigns/" + io::percent_encode(made->id) + "?tested=1");
}

asio::awaitable<io::http_response> page_department(context& c, visitor v, io::http_request r) {
    co_return co_await desk(c, v, r, json::object());
}

asio::awaitable<io::http_response> post_publish(context& c, visitor v, io::http_request r) {
    const auto field = [&](const char* name) {
        const auto found = v.form.find(name);
        return found == v.form.end() ? std::string() : found->second;
    };
    const auto document = field("file").empty() ? field("document") : field("file");
    if (document.find_first_not_of(" \t\r\n") == std::string::npos)
        co_return co_await desk(c, v, r, {{"warning", text(v.in, "empty_document")}}, 422);
    if (field("do") == "preview") co_return co_await desk_with_preview(c, v, r, document);
    if (field("do") == "check") {
        auto checked = co_await check_document(c, v.who, document);
        if (!checked) co_return co_await unavailable(c, v, r, document, checked.error());
        if (auto* refusal = std::get_if<publish_refusal>(&*checked))
            co_return co_await refused(c, v, r, document, std::move(*refusal));
        const auto& good = std::get<checked_document>(*checked);
        const auto& about = good.about;
        const auto told =
            good.repeated ? text(v.in, "check_repeated")
            : about.may_be_pushed()
                ? text(v.in, "check_ok", {{"items", std::to_string(about.items.size())}})
                : text(v.in, "check_ok_private", {{"disclosure", fixed_word(v.in, about.disclosure)}});
        co_return co_await desk(c, v, r, {{"document", document}, {"notice", told}});
    }
    auto outcome = co_await publish(c, v.who, document);
    if (!outcome) co_return co_await unavailable(c, v, r, document, outcome.error());
    if (auto* refusal = std::get_if<publish_refusal>(&*outcome))
        co_return co_await refused(c, v, r, document, std::move(*refusal));
    const auto& done = std::get<published>(*outcome);
    co_return redirect("/campaigns/" + done.campaign + (done.repeated ? "?published=again" : "?published=1"));
}

asio::awaitable<io::http_response> page_campaign(context& c, visitor v, io::http_request r) {
    auto id = r.params.at("id");
    co_return co_await show_campaign(c, std::move(v), std::move(r), std::move(id), json::object(), 200);
}

} // namespace zhida::portal
