#include "common/store/matchers.hpp"

#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "common/base/log.hpp"
#include "common/store/keys.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace zhida::store {

namespace {

std::optional<failure> refusal_in(const std::vector<io::redis_reply>& replies) {
    for (const auto& r : replies)
        if (r.type == io::redis_reply::kind::error)
            return failure{errc::refused, r.text, "registration of a matcher", ""};
    return std::nullopt;
}

// Clocks of two hosts may differ by so much.
constexpr auto tolerance = milliseconds(60'000);
constexpr std::size_t most_told = 1000;

std::string mac_of(const matcher_registration& about, std::int64_t until_ms, std::string_view key) {
    const json all = {about.instance, about.url, about.since_ms, about.shards, until_ms};
    const auto digest = crypto::hmac_sm3(key, to_text(all));
    return crypto::hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

failure not_registered(std::string what, const std::string& instance) {
    return {errc::refused, std::move(what), "registration of matcher " + instance,
            "who else writes to this Redis? Do the hosts' clocks agree?"};
}

} // namespace

std::string to_registered(const matcher_registration& about, wall_time until, std::string_view key) {
    const auto until_ms = until.time_since_epoch().count();
    return to_text({{"url", about.url},
                    {"since_ms", about.since_ms},
                    {"shards", about.shards},
                    {"until_ms", until_ms},
                    {"mac", mac_of(about, until_ms, key)}});
}

result<matcher_registration> read_registered(std::string instance, std::string_view text,
                                             std::string_view key, wall_time now) {
    const auto parsed = parse_json(text);
    if (!parsed) return not_registered("is not JSON", instance);
    std::vector<failure> errors;
    json_reader about(*parsed, "", errors);
    if (!about.is_object()) return not_registered("is not an object", instance);
    constexpr auto latest = std::int64_t{1} << 60;
    const auto url = about.text("url", true), mac = about.text("mac", true);
    const auto since = about.integer("since_ms", true, 0, latest);
    const auto until = about.integer("until_ms", true, 0, latest);
    const auto* shards = about.array("shards", true);
    if (!errors.empty()) return not_registered(errors.front().text(), instance);
    matcher_registration out{instance, *url, *since, {}};
    for (const auto& s : *shards) {
        if (!s.is_number_integer() || s < 0 || s > std::numeric_limits<int>::max())
            return not_registered("has shards that are none", instance);
        out.shards.push_back(s.get<int>());
    }
    if (!crypto::equal_constant_time(*mac, mac_of(out, *until, key)))
        return not_registered("is not by who has the contact key", instance);
    if (wall_time(milliseconds(*since)) > now + tolerance)
        return not_registered("begins in the future", instance);
    if (wall_time(milliseconds(*until)) < now - tolerance)
        return not_registered("was over long ago", instance);
    return out;
}

asio::awaitable<result<void>> matchers::put(matcher_registration about, std::chrono::milliseconds keep) {
    auto text = to_registered(about, time_.now() + keep, key_);
    auto replies = co_await redis_.pipeline(
        {{"SET", keys::matcher(about.instance), std::move(text), "PX", std::to_string(keep.count())},
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
        if ((*replies)[i].is_nil()) {
            gone.push_back(instances[i]); // one that comes back says so again within a second
            told_.erase(instances[i]);
            continue;
        }
        auto found = read_registered(instances[i], (*replies)[i].text, key_, time_.now());
        if (found)
            out.push_back(std::move(*found));
        else if (told_.size() < most_told && told_.insert(instances[i]).second)
            log::warn("registration ignored", {{"why", found.error().text()}});
    }
    if (gone.size() > 2) {
        auto removed = co_await redis_.command(std::move(gone));
        if (!removed) co_return removed.error();
    }
    co_return out;
}

} // namespace zhida::store
