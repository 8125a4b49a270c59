// GET /internal/v1/subjects/{id}/checkup: the check-up of a subject of a shard that is ours.
#include "services/matcher/checkup.hpp"

#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "services/matcher/matcher.hpp"

namespace zhida::matcher {

namespace {

io::http_response not_now(const char* why) {
    auto out = io::problem(503, "/problems/unavailable", "Temporarily unavailable", why);
    out.headers.emplace_back("Retry-After", "1");
    return out;
}

} // namespace

asio::awaitable<io::http_response> matcher::answer_checkup(io::http_request r) {
    const auto id = r.params.at("id");
    if (!valid_subject_id(id))
        co_return io::problem(404, "/problems/not-found", "Not found", "no subject id");
    const int number = shard_of(id, static_cast<int>(config_.node.shards));
    const auto ordinals = co_await profiles_.ordinals(number, {id});
    if (!ordinals) co_return not_now("Redis does not answer");
    if (!ordinals->front()) co_return io::problem(404, "/problems/not-found", "Not found", "no such subject");
    // From here on nothing is awaited, so neither the rows nor the policies change underneath.
    const auto found = shards_.find(number);
    if (found == shards_.end()) co_return not_now("this shard has another owner, or none yet");
    const auto& s = found->second;
    if (!in_step(s)) co_return not_now("the shard is being read");
    const auto at = s.subjects.find(*ordinals->front());
    if (!at) co_return not_now("the profile is being written"); // it is in Redis, and here in a moment
    const auto& items = standing();
    const auto row = s.subjects.of(at->type).get(at->row);
    auto out = checkup_document(check_up(items, at->type, row, catalogue_, standing_space_), catalogue_);
    out["as_of"] = to_rfc3339(clock_.now());
    out["profile_offset"] = s.read;
    out["policy_offset"] = items.log_end();
    io::http_response answer;
    answer.content_type = "application/json; charset=utf-8";
    answer.body = to_text(out);
    co_return answer;
}

} // namespace zhida::matcher
