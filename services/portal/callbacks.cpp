#include "services/portal/callbacks.hpp"

#include "common/base/log.hpp"
#include "services/dead_letter.hpp"
#include "services/gateways/cloud_entry.hpp"
#include "services/gateways/cloud_receipts.hpp"
#include "services/gateways/cloud_replies.hpp"
#include "services/portal/patience.hpp"
#include "services/portal/problems.hpp"
#include "services/receipt_intake.hpp"

#include <prometheus/counter.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace zhida::portal {

namespace {

using gateways::callback_doors;

enum class pushed { receipts, replies };
const char* to_string(pushed what) {
    return what == pushed::receipts ? "receipts" : "replies";
}

// What one push said.
struct push {
    sms_gateway_config from;
    pushed what = pushed::receipts;
    std::string body;
    std::vector<gateways::receipt> receipts;
    std::vector<gateways::inbound_sms> replies;
    std::vector<failure> wrong; // entries that cannot be used, or why all of it cannot
    bool readable = true;
};

void count(context& c, const std::string& gateway, pushed what, const char* outcome) {
    c.parts.meters
        .counter("zhida_callbacks_total", "Pushes of SMS clouds by what became of them.",
                 {{"gateway", gateway}, {"kind", to_string(what)}, {"outcome", outcome}})
        .Increment();
}

void read(push& p, wall_time now, const gateways::code_table& table) {
    const bool aliyun = p.from.protocol == "aliyun";
    const auto take = [&](auto& to, auto found, auto member) {
        if (!found) {
            p.readable = false;
            p.wrong = {found.error()};
            return;
        }
        to = std::move((*found).*member);
        p.wrong = std::move(found->wrong);
    };
    const auto& name = p.from.name;
    if (p.what == pushed::receipts) {
        const auto codes = table.of(name, p.from.protocol);
        take(p.receipts,
             aliyun ? gateways::read_aliyun_receipts(p.body, name, p.from.secret, now, codes)
                    : gateways::read_tencent_receipts(p.body, name, now, codes),
             &gateways::cloud_receipts::receipts);
        for (auto& r : p.receipts) r.pushed = true;
    } else {
        take(p.replies,
             aliyun ? gateways::read_aliyun_replies(p.body, name, now)
                    : gateways::read_tencent_replies(p.body, name, now),
             &gateways::cloud_replies::replies);
    }
}

// The entries that are wrong by their number, so that the failures' places lead to them. What people wrote is
// theirs: it stays out of the letter.
std::string entries_of_letter(const push& p) {
    auto body = gateways::parse_pushed(p.body);
    if (!p.readable || !body)
        return p.what == pushed::replies ? std::to_string(p.body.size()) + " bytes" : phones_masked(p.body);
    if (!body->is_array()) *body = json::array({std::move(*body)});
    json out = json::object();
    for (const auto& f : p.wrong) {
        std::size_t at = 0;
        const auto* first = f.where.data() + std::min<std::size_t>(1, f.where.size());
        if (std::from_chars(first, f.where.data() + f.where.size(), at).ec != std::errc() ||
            at >= body->size())
            continue;
        auto entry = (*body)[at];
        if (entry.is_object())
            for (const char* words : {"content", "text"})
                if (const auto found = entry.find(words); found != entry.end() && found->is_string())
                    *found = "…";
        out[std::to_string(at)] = std::move(entry);
    }
    return phones_masked(to_text(out));
}

asio::awaitable<bool> bury_wrong(context& c, const push& p) {
    if (p.wrong.empty()) co_return true;
    c.parts.meters
        .counter("zhida_callback_entries_wrong_total", "Entries of clouds' pushes that cannot be used.",
                 {{"gateway", p.from.name}, {"kind", to_string(p.what)}})
        .Increment(static_cast<double>(p.wrong.size()));
    const auto now = c.time.now();
    io::log_record record;
    record.topic = "gateway." + p.from.name + "." + to_string(p.what); // of no topic: it cannot be replayed
    record.offset = record.timestamp_ms = now.time_since_epoch().count();
    record.value = entries_of_letter(p);
    const auto kept = co_await bury(*c.log, std::move(record), p.wrong, "portal", to_rfc3339(now));
    co_return kept.has_value();
}

asio::awaitable<bool> keep(context& c, std::shared_ptr<push> p, const bool& given_up) {
    receipt_intake receipts(c.executor, *c.log, c.messages, c.time, static_cast<int>(c.settings.node.shards),
                            given_up);
    co_return co_await receipts.accept(std::move(p->receipts)) &&
        co_await c.inbound.accept(std::move(p->replies)) && co_await bury_wrong(c, *p);
}

io::http_response answer(int status, const char* body) {
    io::http_response out;
    out.status = status;
    out.content_type = "application/json; charset=utf-8";
    out.body = body;
    return out;
}

asio::awaitable<io::http_response> take(context& c, pushed what, io::http_request r) {
    const auto found = c.doors.knock(r.params.at("name"), r.params.at("secret"), r.remote);
    if (found.what != callback_doors::answer::open) {
        const bool elsewhere = found.what == callback_doors::answer::elsewhere;
        if (elsewhere) // only who knows the secret fills the log with it
            log::warn("callback_from_elsewhere",
                      {{"gateway", found.at->name},
                       {"from", r.remote},
                       {"fix", "add it to callback_from if the vendor posts from it"}});
        count(c, elsewhere ? found.at->name : "none", what, elsewhere ? "elsewhere" : "unknown");
        co_return io::problem(404, "/problems/not-found", "Not found", "没有这个地址");
    }
    push p{*found.at, what, std::move(r.body), {}, {}, {}, true};
    const auto name = p.from.name;
    const auto& said =
        p.from.protocol == "aliyun" ? gateways::aliyun_push_answer : gateways::tencent_push_answer;
    if (c.callbacks_under_way >= most_callbacks) {
        count(c, name, what, "busy");
        co_return answer(503, said.not_kept);
    }
    read(p, c.time.now(), c.files.sms_codes);
    const bool readable = p.readable;
    if (!p.wrong.empty())
        log::warn("callback_entries_wrong", {{"gateway", name},
                                             {"kind", to_string(what)},
                                             {"wrong", p.wrong.size()},
                                             {"first", p.wrong.front().text()}});
    const auto whole = std::make_shared<push>(std::move(p));
    const auto kept =
        co_await in_time<bool>(c, [&c, whole](const bool& given_up) { return keep(c, whole, given_up); });
    if (!kept.value_or(false)) {
        count(c, name, what, "not_kept");
        co_return answer(503, said.not_kept);
    }
    count(c, name, what, readable ? "taken" : "unreadable");
    co_return readable ? answer(200, said.kept) : answer(400, said.not_kept);
}

} // namespace

std::string phones_masked(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    std::string out(text);
    for (std::size_t at = 0; at < out.size();) {
        if (!digit(out[at])) {
            ++at;
            continue;
        }
        const auto first = at;
        while (at < out.size() && digit(out[at])) ++at;
        auto number = std::string_view(out).substr(first, at - first);
        if (number.size() == 13 && number.starts_with("86")) number.remove_prefix(2);
        if (number.size() == 11 && number.starts_with("1"))
            std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at) - 8, 4, '*');
    }
    return out;
}

asio::awaitable<io::http_response> post_gateway_receipts(context& c, visitor, io::http_request r) {
    return take(c, pushed::receipts, std::move(r));
}

asio::awaitable<io::http_response> post_gateway_replies(context& c, visitor, io::http_request r) {
    return take(c, pushed::replies, std::move(r));
}

} // namespace zhida::portal
