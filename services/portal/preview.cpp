#include "services/portal/preview.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>
#include <set>

namespace zhida::portal {

namespace {

constexpr std::size_t most_sampled = 10;
constexpr const char* no_answer = "有匹配服务没有回答"; // who it was and why is for the log

// What the questions to all matchers share; the last answer wakes who waits.
struct gathering {
    explicit gathering(const asio::any_io_executor& ex) : done(ex) { done.expires_after(matchers::patience); }
    preview_outcome out;
    bool over = false; // nobody waits any more
    bool busy = false;
    std::size_t left = 0;
    asio::steady_timer done;
};

result<preview_part> read_reply(const result<io::http_reply>& reply) {
    if (!reply) return reply.error();
    if (reply->status == 503) return failure{errc::exhausted, "busy", "", ""};
    if (reply->status != 200)
        return failure{errc::refused, "answered " + std::to_string(reply->status), "", ""};
    const auto document = parse_json(reply->body);
    if (!document) return document.error();
    return read_preview_part(*document);
}

// By value: who waits for the others may have been told already.
asio::awaitable<void> ask_one(context& c, std::shared_ptr<gathering> to, matchers::owner owner,
                              std::string body) {
    const auto reply =
        co_await c.shard_owners.ask(owner.url, "POST", "/internal/v1/audience", std::move(body));
    if (to->over) co_return;
    const auto part = read_reply(reply);
    if (part) {
        to->out.sum += *part;
        if (part->shards.size() < owner.shards.size())
            to->out.reasons.emplace_back("匹配服务正在装载或交接部分分片");
    } else if (part.error().code == errc::exhausted) {
        to->busy = true;
    } else {
        log::warn("matcher does not answer", {{"url", owner.url}, {"why", part.error().text()}});
        to->out.reasons.emplace_back(no_answer);
    }
    if (--to->left == 0) to->done.cancel();
}

// A few from everywhere, not the first shard's.
void thin_out(std::vector<sampled_subject>& sample) {
    std::sort(sample.begin(), sample.end(), [](const auto& a, const auto& b) {
        return a.shard != b.shard ? a.shard < b.shard : a.ordinal < b.ordinal;
    });
    if (sample.size() <= most_sampled) return;
    std::vector<sampled_subject> kept;
    kept.reserve(most_sampled);
    for (std::size_t i = 0; i < most_sampled; ++i) kept.push_back(sample[i * sample.size() / most_sampled]);
    sample = std::move(kept);
}

} // namespace

asio::awaitable<result<preview_outcome>> preview(context& c, preview_question q) {
    const auto owners = co_await c.shard_owners.owners();
    if (!owners) co_return owners.error();
    const auto shards = static_cast<std::size_t>(c.shard_owners.shards());
    // Residents are never named, so none is asked for.
    q.samples = q.subject == subject_type::resident
                    ? 0
                    : static_cast<std::uint32_t>((most_sampled + shards - 1) / shards);
    const auto all = std::make_shared<gathering>(c.executor);
    all->left = (*owners)->size();
    for (const auto& owner : **owners) {
        q.shards = owner.shards;
        io::spawn(c.executor, ask_one(c, all, owner, to_text(to_document(q))));
    }
    while (all->left > 0 && std::chrono::steady_clock::now() < all->done.expiry()) {
        boost::system::error_code woken;
        co_await all->done.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    all->over = true;
    if (all->left > 0) {
        log::warn("matchers do not answer in time", {{"matchers", all->left}});
        all->out.reasons.emplace_back(no_answer);
    }
    if (all->busy)
        co_return failure{errc::exhausted, "a matcher is busy with other previews", "audience preview", ""};
    auto out = std::move(all->out);
    // Nothing is known, which is not "nobody".
    if (out.sum.shards.empty())
        co_return failure{errc::unavailable, "no shard was counted", "audience preview",
                          "is a matcher running? It may be starting"};
    std::set<int> counted;
    for (const auto& s : out.sum.shards) counted.insert(s.shard);
    std::size_t owned = 0;
    for (const auto& owner : **owners) owned += owner.shards.size();
    if (owned < shards) out.reasons.emplace_back("部分分片暂时没有匹配服务负责");
    for (int shard = 0; shard < c.shard_owners.shards(); ++shard)
        if (!counted.contains(shard)) out.missing.push_back(shard);
    std::sort(out.reasons.begin(), out.reasons.end());
    out.reasons.erase(std::unique(out.reasons.begin(), out.reasons.end()), out.reasons.end());
    std::sort(out.sum.channels.begin(), out.sum.channels.end(),
              [](const auto& a, const auto& b) { return a.via < b.via; });
    thin_out(out.sum.sample);
    co_return out;
}

} // namespace zhida::portal
