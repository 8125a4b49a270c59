#include "matching/catalogue.hpp"
#include "matching/near.hpp"

#include <algorithm>

namespace zhida::matching {

code_list code_list::make(std::vector<code_entry> entries, const std::string& source,
                          std::vector<failure>& errors) {
    std::unordered_map<std::string, std::size_t> given;
    const auto report = [&](std::size_t i, std::string what, std::string fix) {
        errors.push_back(
            {errc::invalid, std::move(what), source + ":" + std::to_string(i + 2), std::move(fix)});
    };
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (!given.emplace(entries[i].code, i).second)
            report(i, "code " + entries[i].code + " is listed twice", "remove one of the lines");

    std::vector<std::vector<std::size_t>> children(entries.size());
    std::vector<std::size_t> waiting; // a stack, so that the next of the list is on top
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& e = entries[i];
        if (e.parent.empty()) {
            waiting.push_back(i);
            continue;
        }
        const auto parent = given.find(e.parent);
        if (parent == given.end())
            report(i, "parent " + e.parent + " of " + e.code + " is not listed",
                   "add it or correct the code");
        else if (entries[parent->second].level >= e.level)
            report(i, "parent " + e.parent + " of " + e.code + " is not on a higher level",
                   "a smaller level is higher");
        else
            children[parent->second].push_back(i);
    }

    // Levels fall along parents, so there are no circles: every entry is reached once.
    code_list list;
    std::reverse(waiting.begin(), waiting.end());
    std::vector<std::size_t> open; // positions in the list whose subtree is not finished
    while (!waiting.empty()) {
        const auto i = waiting.back();
        waiting.pop_back();
        while (!open.empty() && list.entries_[open.back()].code != entries[i].parent) {
            list.ends_[open.back()] = list.entries_.size();
            open.pop_back();
        }
        open.push_back(list.entries_.size());
        list.index_.emplace(entries[i].code, list.entries_.size());
        list.entries_.push_back(entries[i]);
        list.ends_.push_back(0);
        waiting.insert(waiting.end(), children[i].rbegin(), children[i].rend());
    }
    for (const auto at : open) list.ends_[at] = list.entries_.size();
    return list;
}

const code_entry* code_list::find(std::string_view code) const noexcept {
    const auto at = index_of(code);
    return at == npos ? nullptr : &entries_[at];
}

std::size_t code_list::index_of(std::string_view code) const noexcept {
    const auto found = index_.find(std::string(code));
    return found == index_.end() ? npos : found->second;
}

std::vector<std::string> code_list::names(std::string_view code) const {
    std::vector<std::string> out;
    for (const auto* e = find(code); e; e = e->parent.empty() ? nullptr : find(e->parent))
        out.push_back(e->name);
    std::reverse(out.begin(), out.end());
    return out;
}

std::string code_list::path_name(std::string_view code) const {
    std::string path;
    for (const auto& name : names(code)) path += (path.empty() ? "" : " / ") + name;
    return path;
}

bool code_list::any_below(std::string_view prefix, const code_entry** only) const noexcept {
    const code_entry* first = nullptr;
    for (const auto& e : entries_) {
        if (!e.code.starts_with(prefix)) continue;
        if (first) {
            if (only) *only = nullptr;
            return true;
        }
        first = &e;
        if (!only) return true;
    }
    if (only) *only = first;
    return first != nullptr;
}

std::vector<std::string> code_list::near(std::string_view code, std::size_t count) const {
    std::vector<candidate> candidates;
    candidates.reserve(entries_.size());
    for (const auto& e : entries_) candidates.push_back({e.code, e.name});
    std::vector<std::string> out;
    for (const auto i : nearest(code, candidates, count)) out.push_back(entries_[i].code);
    return out;
}

} // namespace zhida::matching
