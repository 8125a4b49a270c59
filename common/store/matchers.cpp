#include "common/store/matchers.hpp"

#include "common/base/json.hpp"
#include "common/store/keys.hpp"

#include <algorithm>
#include <optional>

namespace zhida::store {

namespace {

std::optional<failure> refusal_in(const std::vector<io::redis_reply>& replies) {
    for (const auto& r : replies)
        if (r.type == io::redis_reply::kind::error)
            return failure{errc::refused, r.text, "registration of a matcher", ""};
    return std::nullopt;
}

// Nothing where somebody else wrote there.
std::optional<matcher_registration> read(std::string instance, std::string_view text) {
    const auto parsed = parse_json(text);
    if (!parsed) return std::nullopt;
    std::vector<failure> errors;
    json_reader about(*parsed, "", errors);
    if (!about.is_object()) return std::nullopt;
    const auto url = about.text("url", true);
    const auto since = about.integer("since_ms", true, 0, std::int64_t{1} << 60);
    const auto* shards = about.array("shards", true);
    if (!errors.empty()) return std::nullopt;
    matcher_registration out{std::move(instance), *url, *since, {}};
    for (const auto& s : *shards)
        if (s.is_number_integer()) out.shards.push_back(s.get<int>());
    return out;
}

} // namespace

asio::awaitable<result<void>> matchers::put(matcher_registration about, std::chrono::milliseconds keep) {
    const json text = {{"url", about.url}, {"since_ms", about.since_ms}, {"shards", about.shards}};
    auto replies = co_await redis_.pipeline(
        {{"SET", keys::matcher(about.instance), to_text(text), "PX", std::to_string(keep.count())},
         {"SADD", keys::matchers(), about.instance}});
    if (!replies) co_return replies.error();
    if (auto refused = refusal_in(*replies)) co_return std::move(*refused);
    co_return result<void>{};
}

asio::awaitable<result<void>> matchers::remove(std::string instance) {
    auto replies =
        co_await redis_.pipeline({{"DEL", keys::matcher(instance)}, {"SREM", keys::matchers(), instance}});
    if (!replies) co_return replies.error();
    if (auto refused = refusal_in(*replies)) co_return std::move(*refused);
    co_return result<void>{};
}

asio::awaitable<result<std::vector<matcher_registration>>> matchers::list() {
    auto known = co_await redis_.command({"SMEMBERS", keys::matchers()});
    if (!known) co_return known.error();
    std::vector<std::string> instances;
    instances.reserve(known->items.size());
    for (auto& item : known->items) instances.push_back(std::move(item.text));
    std::sort(instances.begin(), instances.end());
    std::vector<io::redis_args> ask;
    ask.reserve(instances.size());
    for (const auto& instance : instances) ask.push_back({"GET", keys::matcher(instance)});
    if (ask.empty()) co_return std::vector<matcher_registration>{};
    auto replies = co_await redis_.pipeline(std::move(ask));
    if (!replies) co_return replies.error();
    if (auto refused = refusal_in(*replies)) co_return std::move(*refused);
    std::vector<matcher_registration> out;
    io::redis_args gone{"SREM", keys::matchers()};
    for (std::size_t i = 0; i < instances.size(); ++i) {
        if ((*replies)[i].is_nil())
            gone.push_back(instances[i]); // one that comes back says so again within a second
        else if (auto found = read(instances[i], (*replies)[i].text))
            out.push_back(std::move(*found));
    }
    if (gone.size() > 2) {
        auto removed = co_await redis_.command(std::move(gone));
        if (!removed) co_return removed.error();
    }
    co_return out;
}

} // namespace zhida::store
