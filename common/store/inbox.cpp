#include "common/store/inbox.hpp"

#include "common/store/keys.hpp"
#include "common/store/ledger.hpp"
#include "common/store/ledger_lua.hpp"

#include <algorithm>

namespace zhida::store {

namespace {

const io::lua_script& inbox_script() {
    static const io::lua_script s(std::string(lua::search) + lua::inbox);
    return s;
}

struct found_entry {
    inbox_entry entry;
    std::uint32_t position = 0;
};

asio::awaitable<result<std::vector<found_entry>>> find(io::redis& redis, int shard, std::uint32_t ordinal,
                                                       std::string campaign) {
    io::redis_args args{std::to_string(ordinal), keys::campaign_prefix(shard)};
    if (!campaign.empty()) args.push_back(std::move(campaign));
    auto reply = co_await redis.eval(inbox_script(), {keys::campaigns_of(shard)}, std::move(args));
    if (!reply) co_return reply.error();
    std::vector<found_entry> found;
    for (std::size_t i = 0; i + 2 < reply->items.size(); i += 3) {
        found_entry f;
        f.entry.campaign = std::move(reply->items[i].text);
        f.entry.web = zhida::ledger::decode(reply->items[i + 1].text.data());
        f.position = static_cast<std::uint32_t>(reply->items[i + 2].integer);
        found.push_back(std::move(f));
    }
    co_return found;
}

failure not_in_inbox(const std::string& campaign) {
    return {errc::not_found, "no package " + campaign + " in this inbox", campaign, ""};
}

} // namespace

asio::awaitable<result<std::vector<inbox_entry>>> inbox::of(int shard, std::uint32_t ordinal) {
    auto found = co_await find(redis_, shard, ordinal, "");
    if (!found) co_return found.error();
    std::vector<inbox_entry> entries;
    for (auto& f : *found) entries.push_back(std::move(f.entry));
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        return a.web.at != b.web.at ? a.web.at > b.web.at : a.campaign > b.campaign;
    });
    co_return entries;
}

asio::awaitable<result<inbox_entry>> inbox::one(int shard, std::uint32_t ordinal, std::string campaign) {
    auto found = co_await find(redis_, shard, ordinal, campaign);
    if (!found) co_return found.error();
    if (found->empty()) co_return not_in_inbox(campaign);
    co_return std::move(found->front().entry);
}

asio::awaitable<result<engaged>> inbox::engage(int shard, std::uint32_t ordinal, std::string campaign,
                                               std::uint8_t flags) {
    auto found = co_await find(redis_, shard, ordinal, campaign);
    if (!found) co_return found.error();
    if (found->empty()) co_return not_in_inbox(campaign);
    change c{found->front().position, found->front().entry.web};
    c.to.engaged = flags;
    ledgers ledger(redis_);
    auto changed = co_await ledger.apply(shard, campaign, channel::web, {c});
    if (!changed) co_return changed.error();
    co_return engaged{!changed->empty(), encode_changes(*changed)};
}

} // namespace zhida::store
