#include "services/portal/policy_cache.hpp"

namespace zhida::portal {

namespace {
constexpr auto fresh = milliseconds(2000);
constexpr std::size_t most_kept = 2000; // policies; a district has some hundred
} // namespace

void policy_cache::trim() {
    if (newest_.size() > most_kept) newest_.clear();
    if (versions_.size() > most_kept) versions_.clear();
}

result<std::shared_ptr<const compiled_policy>> policy_cache::compile(store::stored_policy stored) {
    const auto id = stored.document.is_object() ? stored.document.value("id", "") : "";
    // The same version is the same document: no need to compile it again.
    if (const auto known = versions_.find({id, stored.version}); known != versions_.end()) {
        if (known->second->received_ms == stored.received_ms && known->second->pushed == stored.pushed)
            return known->second;
    }
    auto compiled = compile_policy(stored.document, catalogue_);
    if (!compiled) return compiled.error();
    compiled->received_ms = stored.received_ms;
    compiled->pushed = stored.pushed;
    trim();
    auto shared = std::make_shared<const compiled_policy>(std::move(*compiled));
    versions_[{id, stored.version}] = shared;
    return shared;
}

asio::awaitable<result<std::shared_ptr<const compiled_policy>>> policy_cache::get(std::string id) {
    if (const auto found = newest_.find(id);
        found != newest_.end() && found->second.until > time_.steady_now())
        co_return found->second.policy;
    auto stored = co_await from_.get(id);
    if (!stored) co_return stored.error();
    auto compiled = compile(std::move(*stored));
    if (!compiled) co_return compiled.error();
    newest_[id] = {time_.steady_now() + fresh, *compiled};
    co_return *compiled;
}

asio::awaitable<result<std::shared_ptr<const compiled_policy>>> policy_cache::get_version(std::string id,
                                                                                          int version) {
    if (const auto known = versions_.find({id, version}); known != versions_.end()) co_return known->second;
    auto newest = co_await get(id);
    if (newest && (*newest)->about.version == version) co_return *newest;
    auto document = co_await from_.get_version(id, version);
    if (!document) co_return document.error();
    store::stored_policy stored;
    stored.document = std::move(*document);
    stored.version = version;
    stored.pushed = true;
    co_return compile(std::move(stored));
}

asio::awaitable<result<std::vector<std::shared_ptr<const compiled_policy>>>>
policy_cache::list(std::size_t limit, std::int64_t before_ms) {
    auto stored = co_await from_.list(limit, before_ms);
    if (!stored) co_return stored.error();
    std::vector<std::shared_ptr<const compiled_policy>> out;
    for (auto& one : *stored) {
        auto compiled = compile(std::move(one));
        if (!compiled) co_return compiled.error();
        out.push_back(std::move(*compiled));
    }
    co_return out;
}

void policy_cache::forget(const std::string& id) {
    newest_.erase(id);
}

} // namespace zhida::portal
