// Routes and requests: pure, without Beast.
#include "common/base/json.hpp"
#include "common/io/http_server.hpp"

#include <algorithm>
#include <stdexcept>

namespace zhida::io {

namespace {

std::vector<std::string> segments(std::string_view path) {
    std::vector<std::string> out;
    if (path.starts_with('/')) path.remove_prefix(1);
    while (true) {
        const auto slash = path.find('/');
        out.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return out;
        path.remove_prefix(slash + 1);
    }
}

bool is_parameter(const std::string& part) {
    return part.size() > 2 && part.front() == '{' && part.back() == '}';
}
bool takes_rest(const std::string& part) {
    return is_parameter(part) && part.ends_with("...}");
}

// How well the pattern fits: one letter a segment, 2 literal, 1 parameter, 0 rest; empty where it does not.
std::string fit(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
                std::map<std::string, std::string>& params) {
    std::string quality;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (takes_rest(pattern[i])) {
            std::string rest;
            for (std::size_t k = i; k < path.size(); ++k) rest += (k == i ? "" : "/") + path[k];
            if (rest.empty()) return "";
            params[pattern[i].substr(1, pattern[i].size() - 5)] = rest;
            return quality + "0";
        }
        if (i >= path.size()) return "";
        if (is_parameter(pattern[i])) {
            if (path[i].empty()) return "";
            params[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
            quality += '1';
        } else {
            if (pattern[i] != path[i]) return "";
            quality += '2';
        }
    }
    return pattern.size() == path.size() ? quality : "";
}

} // namespace

std::string http_request::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
}

void http_router::add(std::string verb, std::string path, http_handler handler) {
    auto parts = segments(path);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
        if (takes_rest(parts[i])) throw std::logic_error("only the last segment may take the rest: " + path);
    for (const auto& [v, p] : listed_)
        if (v == verb && p == path) throw std::logic_error("route added twice: " + verb + " " + path);
    listed_.emplace_back(verb, path);
    routes_.push_back({std::move(verb), std::move(path), std::move(parts), std::move(handler)});
}

http_router::match http_router::find(std::string_view verb, std::string_view path) const {
    const auto wanted = segments(path);
    // The pattern that fits best is the resource; only then its verbs are looked at.
    std::string best;
    const route* resource = nullptr;
    match out;
    for (const auto& r : routes_) {
        std::map<std::string, std::string> params;
        const auto quality = fit(r.parts, wanted, params);
        if (quality.empty() || (resource && quality <= best)) continue;
        best = quality;
        resource = &r;
        out.params = std::move(params);
    }
    if (!resource) return out;
    out.route = resource->pattern;
    const route* get = nullptr;
    std::vector<std::string> allowed;
    for (const auto& r : routes_) {
        if (r.pattern != resource->pattern) continue;
        allowed.push_back(r.verb);
        if (r.verb == verb) out.handler = &r.handler;
        if (r.verb == "GET") get = &r;
    }
    if (!out.handler && get && verb == "HEAD") out.handler = &get->handler;
    if (out.handler) {
        out.status = 200;
        return out;
    }
    if (get) allowed.emplace_back("HEAD");
    std::sort(allowed.begin(), allowed.end());
    allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
    for (const auto& v : allowed) out.allow += (out.allow.empty() ? "" : ", ") + v;
    out.status = 405;
    return out;
}

http_response problem(int status, std::string type, std::string title, std::string detail) {
    json body = {{"status", status}};
    body["type"] = type.empty() ? "about:blank" : std::move(type);
    body["title"] = std::move(title);
    if (!detail.empty()) body["detail"] = std::move(detail);
    http_response out;
    out.status = status;
    out.content_type = "application/problem+json; charset=utf-8";
    out.body = to_text(body);
    return out;
}

} // namespace zhida::io
