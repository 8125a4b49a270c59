#include "services/portal/checkup.hpp"

#include "common/base/log.hpp"
#include "common/io/http_decode.hpp"

namespace zhida::portal {

namespace {

constexpr json_limits answer_limits{4 << 20, 64};
constexpr int most_levels = 64; // of groups within groups; the reader of JSON has refused deeper ones

using errors_list = std::vector<failure>;

void check_lines(json_reader of, std::string_view member, errors_list& errors, int levels);

void check_line(json_reader line, errors_list& errors, int levels) {
    if (!line.is_object()) return;
    line.text("outcome", true);
    for (const char* name : {"text", "attribute", "value", "requirement", "clause", "group"})
        line.text(name, false, answer_limits.bytes);
    line.boolean("manual", true);
    check_lines(line, "parts", errors, levels - 1);
}

void check_lines(json_reader of, std::string_view member, errors_list& errors, int levels) {
    const auto* lines = of.array(member, true);
    if (!lines) return;
    if (levels < 0 && !lines->empty()) return of.error_at(member, "too many levels");
    for (std::size_t i = 0; i < lines->size(); ++i) check_line(of[member][i], errors, levels);
}

void check_entry(json_reader entry, errors_list& errors) {
    if (!entry.is_object()) return;
    for (const char* name : {"benefit", "mode", "apply_channel", "link", "contact"})
        entry.text(name, false, answer_limits.bytes);
    if (entry.object("policy", true)) {
        auto policy = entry["policy"];
        for (const char* name : {"id", "title", "issuer", "doc_no"}) policy.text(name, false);
    }
    if (entry.object("item", true)) {
        auto item = entry["item"];
        for (const char* name : {"id", "title"}) item.text(name, false);
    }
    if (entry.object("deadline", true)) {
        auto deadline = entry["deadline"];
        deadline.text("state", true);
        deadline.integer("days", false, 0, 10'000'000);
        deadline.boolean("of_policy", false);
    }
    entry.boolean("why_left_out", true);
    entry.boolean("only_manual_open", false);
    check_lines(entry, "why", errors, most_levels);
    if (const auto* missing = entry.array("missing", true))
        for (std::size_t i = 0; i < missing->size(); ++i) {
            auto one = entry["missing"][i];
            if (!one.is_object()) continue;
            for (const char* name : {"label", "label_en", "source"}) one.text(name, false);
        }
    if (entry.has("short_of") && !entry["short_of"].value().is_null())
        check_line(entry["short_of"], errors, most_levels);
}

// For the log: what became of the question. For who asked: a sentence.
failure unavailable(int shard, const std::string& why) {
    log::warn("check-up not answered", {{"shard", shard}, {"why", why}});
    return {errc::unavailable, "政策体检暂时不能进行：负责这个主体的匹配程序没有应答", "", "请过一会儿再试"};
}

} // namespace

result<json> read_checkup(std::string_view text) {
    auto document = parse_json(text, answer_limits);
    if (!document) return document.error();
    errors_list errors;
    json_reader all(*document, "", errors);
    if (!all.is_object()) return errors.front();
    all.text("as_of", true);
    all.date("day", true);
    for (const char* name : {"eligible", "possible", "one_short"}) {
        if (!all.object(name, true)) continue;
        auto list = all[name];
        list.integer("total", true, 0, std::int64_t{1} << 32);
        if (const auto* items = list.array("items", true))
            for (std::size_t i = 0; i < items->size(); ++i) check_entry(list["items"][i], errors);
    }
    if (!errors.empty()) return errors.front();
    return ok(std::move(*document));
}

asio::awaitable<result<json>> checkup_of(context& c, store::stored_profile who) {
    const auto url = co_await c.shard_owners.owner_of(who.shard);
    if (!url) co_return unavailable(who.shard, url.error().text());
    const auto path = "/internal/v1/subjects/" + io::percent_encode(who.subject.id) + "/checkup";
    const auto reply = co_await c.shard_owners.ask(*url, "GET", path);
    if (!reply) co_return unavailable(who.shard, reply.error().text());
    if (reply->status != 200)
        co_return unavailable(who.shard,
                              "HTTP " + std::to_string(reply->status) + " " + reply->body.substr(0, 200));
    auto out = read_checkup(reply->body);
    if (!out) co_return unavailable(who.shard, out.error().text());
    (*out)["subject"] = who.subject.id;
    (*out)["type"] = to_string(who.subject.type);
    (*out)["name"] = who.subject.name;
    (*out)["profile_day"] = who.subject.as_of ? json(format_date(who.subject.as_of)) : json();
    co_return ok(std::move(*out));
}

} // namespace zhida::portal
