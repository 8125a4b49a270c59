#include "services/portal/live.hpp"

#include <algorithm>

namespace zhida::portal {

std::string sse_event(std::string_view name, const json& data) {
    return "event: " + std::string(name) + "\ndata: " + to_text(data) + "\n\n";
}

std::shared_ptr<live_hub::subject_listener> live_hub::add(subject_listener l) {
    auto shared = std::make_shared<subject_listener>(std::move(l));
    subjects_[shared->shard].push_back(shared);
    return shared;
}

void live_hub::add(staff_listener l) {
    staff_.push_back(std::make_shared<staff_listener>(std::move(l)));
}

std::vector<std::shared_ptr<live_hub::subject_listener>> live_hub::affected(const transition& t) {
    std::vector<std::shared_ptr<subject_listener>> out;
    if (t.via != channel::web) return out;
    const auto found = subjects_.find(t.shard);
    if (found == subjects_.end()) return out;
    auto& here = found->second;
    here.remove_if([](const auto& l) { return !l->stream.open(); });
    if (here.empty()) {
        subjects_.erase(found);
        return out;
    }
    const bool arrived = std::any_of(t.changes.begin(), t.changes.end(), [](const store::change& c) {
        return c.to.now == ledger::state::delivered;
    });
    if (!arrived) return out;
    for (const auto& l : here)
        if (!l->announced.contains(t.campaign)) out.push_back(l);
    return out;
}

std::set<std::string> live_hub::take_changed() {
    return std::exchange(dirty_, {});
}

std::vector<std::shared_ptr<live_hub::staff_listener>> live_hub::staff() {
    staff_.remove_if([](const auto& l) { return !l->stream.open(); });
    return {staff_.begin(), staff_.end()};
}

std::size_t live_hub::open() const noexcept {
    std::size_t count = 0;
    for (const auto& l : staff_) count += l->stream.open() ? 1 : 0;
    for (const auto& [shard, here] : subjects_)
        for (const auto& l : here) count += l->stream.open() ? 1 : 0;
    return count;
}

void live_hub::close() {
    for (const auto& l : staff_) l->stream.close();
    for (const auto& [shard, here] : subjects_)
        for (const auto& l : here) l->stream.close();
    staff_.clear();
    subjects_.clear();
}

} // namespace zhida::portal
