// Previews: whom a condition would find, of the shards that are owned and in step.
#include "services/matcher/matcher.hpp"

#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/model/topics.hpp"
#include "services/caps.hpp"
#include "services/matcher/preview.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace zhida::matcher {

namespace {

// Exclusions are read again so often while previews are asked for, and for a minute longer.
constexpr auto read_every = milliseconds(700), asked_lately = milliseconds(60'000);
// Older ones are waited for: nobody had asked for long.
constexpr auto too_old = milliseconds(2500);
// At once: the rest is told to come again.
constexpr int most_previews = 4;
// Others get their turn on this thread after so many rows times nodes of the condition: some milliseconds.
constexpr std::size_t work_at_once = std::size_t{4} << 20;

std::size_t nodes_of(const matching::node& n) {
    std::size_t sum = 1;
    for (const auto& child : n.children) sum += nodes_of(child);
    return sum;
}

io::http_response refusal(const std::vector<failure>& errors) {
    std::string all;
    for (const auto& e : errors) all += (all.empty() ? "" : "; ") + e.text();
    return io::problem(422, "/problems/invalid", "Invalid", all);
}

} // namespace

asio::awaitable<io::http_response> matcher::answer_audience(io::http_request r) {
    const auto asked = parse_json(r.body);
    std::vector<failure> errors;
    if (!asked) co_return refusal({asked.error()});
    const auto q = read_preview_question(*asked, errors);
    if (!q) co_return refusal(errors);
    auto compiled = matching::condition::compile(q->condition, q->subject, catalogue_, errors, "/condition");
    if (!compiled) co_return refusal(errors);
    if (previews_ >= most_previews) {
        auto out =
            io::problem(503, "/problems/busy", "Busy", "as many previews as there may be are under way");
        out.headers.emplace_back("Retry-After", "1");
        co_return out;
    }
    const counted_in under_way(previews_);
    previewed_at_ = clock_.steady_now();
    co_await read_exclusions(q->shards, too_old);
    co_await read_profile_ends(too_old);

    const matching::scan_plan plan(*compiled, layouts_.of(q->subject), day_);
    const auto nodes = nodes_of(compiled->root());
    preview_tally tally(plan, q->reach, q->channels, q->samples);
    std::vector<shard_standing> standing;
    standing.reserve(q->shards.size());
    std::size_t work = 0;
    for (const int number : q->shards) {
        if (work > work_at_once) {
            work = 0;
            co_await asio::post(turn_.executor(), asio::use_awaitable);
        }
        const auto found = shards_.find(number);
        // What is not counted is not named: the portal sees what is missing.
        if (found == shards_.end() || !in_step(found->second) || !found->second.excluded.read_at()) continue;
        const auto& s = found->second;
        tally.add(number, s.subjects, s.excluded, scan_space_);
        standing.push_back({number, s.read, s.policy_offset, clock_.now().time_since_epoch().count(),
                            std::max<std::int64_t>(0, s.profile_end - s.read),
                            (clock_.steady_now() - *s.excluded.read_at()).count()});
        work += s.subjects.of(q->subject).rows() * nodes;
    }
    auto part = tally.result();
    part.shards = std::move(standing);
    io::http_response out;
    out.content_type = "application/json; charset=utf-8";
    out.body = to_text(to_document(part));
    co_return out;
}

asio::awaitable<void> matcher::read_exclusions(std::vector<int> numbers, milliseconds older_than) {
    const auto since = clock_.steady_now() - older_than;
    const auto unwanted = [this, since](int number) {
        const auto found = shards_.find(number);
        return found == shards_.end() || (found->second.excluded.read_at() && //
                                          *found->second.excluded.read_at() >= since);
    };
    std::erase_if(numbers, unwanted);
    if (numbers.empty()) co_return; // nobody waits for a reading that is under way
    const auto turn = co_await exclusions_turn_.lock();
    const auto& d = config_.dispatch;
    for (const int number : numbers) {
        if (unwanted(number) || stopping_) continue;
        const auto began = clock_.steady_now();
        auto out = co_await consents_.opted_out_bits({number});
        auto refuse = co_await consents_.no_grant_bits({number});
        auto untargeted = co_await consents_.untargeted_bits({number});
        auto sms = co_await consents_.capped_bits({number}, channel::sms, cap_of(d, channel::sms), day_);
        auto wechat =
            co_await consents_.capped_bits({number}, channel::wechat, cap_of(d, channel::wechat), day_);
        if (!out || !refuse || !untargeted || !sms || !wechat) {
            log::warn("exclusions cannot be read", {{"shard", number}});
            co_return; // their age tells; without any, the shard is not counted
        }
        const auto found = shards_.find(number);
        if (found == shards_.end()) continue;
        auto& s = found->second;
        s.excluded.put({std::move(out->front()), std::move(refuse->front()), std::move(sms->front()),
                        std::move(wechat->front()), std::move(untargeted->front())},
                       s.subjects, began);
    }
}

asio::awaitable<void> matcher::keep_exclusions() {
    while (!stopping_) {
        co_await io::sleep_for(clock_, milliseconds(100)); // how soon a stop is seen
        if (!previewed_at_ || clock_.steady_now() - *previewed_at_ > asked_lately) continue;
        std::vector<int> owned;
        owned.reserve(shards_.size());
        for (const auto& [number, s] : shards_) owned.push_back(number);
        co_await read_exclusions(owned, read_every);
        co_await read_profile_ends(read_every);
    }
}

asio::awaitable<void> matcher::read_profile_ends(milliseconds older_than) {
    if (ends_read_at_ && clock_.steady_now() - *ends_read_at_ < older_than) co_return;
    const auto ends = co_await log_->end_offsets(topics::profile);
    if (!ends) {
        log::warn("it cannot be told how many profile events wait", {{"why", ends.error().text()}});
        co_return;
    }
    ends_read_at_ = clock_.steady_now();
    for (auto& [number, s] : shards_)
        if (static_cast<std::size_t>(number) < ends->size())
            s.profile_end = (*ends)[static_cast<std::size_t>(number)];
}

} // namespace zhida::matcher
