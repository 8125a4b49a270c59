#include "services/matcher/shard_loading.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace zhida::matcher {

namespace {

// Two of these side by side share the list: one waits for Redis while the other lays out.
struct loading {
    store::profiles& profiles;
    const row_layouts& layouts;
    std::vector<int> shards;
    std::vector<std::optional<loaded_shard>> done;
    std::size_t next = 0;
    std::optional<failure> failed;
};

asio::awaitable<void> work(loading& l) {
    while (l.next < l.shards.size() && !l.failed) {
        const auto turn = l.next++;
        auto packed = co_await l.profiles.load_packed(l.shards[turn]);
        if (!packed) {
            l.failed = packed.error();
            break;
        }
        loaded_shard made{l.shards[turn], shard_rows(l.layouts), 0};
        made.unreadable = made.rows.load_packed(*packed);
        l.done[turn].emplace(std::move(made));
    }
}

} // namespace

asio::awaitable<result<std::vector<loaded_shard>>>
load_shards(store::profiles& profiles, const row_layouts& layouts, std::vector<int> shards) {
    loading l{profiles, layouts, std::move(shards), {}, 0, std::nullopt};
    l.done.resize(l.shards.size());
    using namespace asio::experimental::awaitable_operators;
    co_await (work(l) && work(l) && work(l));
    if (l.failed) co_return std::move(*l.failed);
    std::vector<loaded_shard> all;
    all.reserve(l.done.size());
    for (auto& made : l.done) all.push_back(std::move(*made));
    co_return all;
}

} // namespace zhida::matcher
