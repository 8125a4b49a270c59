#include "services/portal/templates.hpp"

#include "common/base/crypto.hpp"

#include <kainjow/mustache.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace zhida::portal {

namespace {

namespace fs = std::filesystem;
using kainjow::mustache::data;

constexpr int max_partial_depth = 8;

result<std::string> read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return failure{errc::io, "cannot be read", path.string(), "is the installation complete?"};
    return text.str();
}

data to_data(const json& value) {
    switch (value.type()) {
    case json::value_t::object: {
        data out{data::type::object};
        for (const auto& [name, member] : value.items()) out.set(name, to_data(member));
        return out;
    }
    case json::value_t::array: {
        data out{data::type::list};
        for (const auto& entry : value) out.push_back(to_data(entry));
        return out;
    }
    case json::value_t::string:
        return data{value.get_ref<const std::string&>()};
    case json::value_t::boolean:
        return data{value.get<bool>() ? data::type::bool_true : data::type::bool_false};
    case json::value_t::null:
        return data{data::type::bool_false};
    default:
        return data{value.dump()};
    }
}

// Partials are pasted in before parsing: the library would take a model's text of the same name for one.
result<std::string> with_partials(const std::string& name, const std::map<std::string, std::string>& sources,
                                  int depth) {
    const auto found = sources.find(name);
    if (found == sources.end())
        return failure{errc::invalid, "no template of this name", name, "add " + name + ".mustache"};
    if (depth > max_partial_depth)
        return failure{errc::invalid, "partials include one another", name, "break the circle"};
    std::string out;
    std::string_view rest = found->second;
    while (true) {
        const auto start = rest.find("{{>");
        out += rest.substr(0, start);
        if (start == std::string_view::npos) return out;
        const auto end = rest.find("}}", start);
        if (end == std::string_view::npos)
            return failure{errc::invalid, "{{> is not closed", name, "close it with }}"};
        auto inner = rest.substr(start + 3, end - start - 3);
        while (!inner.empty() && inner.front() == ' ') inner.remove_prefix(1);
        while (!inner.empty() && inner.back() == ' ') inner.remove_suffix(1);
        auto part = with_partials(std::string(inner), sources, depth + 1);
        if (!part) return part.error();
        out += *part;
        rest.remove_prefix(end + 2);
    }
}

} // namespace

struct templates::impl {
    // The library renders through a non-const object that keeps its parse tree and its last error.
    std::map<std::string, std::unique_ptr<kainjow::mustache::mustache>> parsed;
};

templates::templates() : impl_(std::make_unique<impl>()) {}
templates::~templates() = default;
templates::templates(templates&&) noexcept = default;
templates& templates::operator=(templates&&) noexcept = default;

result<templates> templates::from(const std::map<std::string, std::string>& sources) {
    templates out;
    std::string errors;
    const auto wrong = [&errors](const std::string& name, const std::string& what) {
        errors += (errors.empty() ? "" : "; ") + name + ": " + what;
    };
    for (const auto& [name, source] : sources) {
        if (source.find("{{{") != std::string::npos || source.find("{{&") != std::string::npos) {
            wrong(name, "asks for unescaped text");
            continue;
        }
        const auto whole = with_partials(name, sources, 0);
        if (!whole) {
            wrong(name, whole.error().text());
            continue;
        }
        auto parsed = std::make_unique<kainjow::mustache::mustache>(*whole);
        if (!parsed->is_valid()) {
            wrong(name, parsed->error_message());
            continue;
        }
        out.impl_->parsed.emplace(name, std::move(parsed));
    }
    if (!errors.empty()) return failure{errc::invalid, "templates are wrong: " + errors, "", "correct them"};
    return ok(std::move(out));
}

result<templates> templates::load(const std::string& folder) {
    std::map<std::string, std::string> sources;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        if (entry.path().extension() != ".mustache") continue;
        auto source = read_file(entry.path());
        if (!source) return source.error();
        sources.emplace(entry.path().stem().string(), std::move(*source));
    }
    if (ec || sources.empty())
        return failure{errc::io, "no templates here", folder, "set node.config_dir to the config folder"};
    return from(sources);
}

bool templates::has(const std::string& name) const {
    return impl_->parsed.contains(name);
}

std::string templates::render(const std::string& name, const json& model) const {
    auto& parsed = *impl_->parsed.at(name);
    auto out = parsed.render(to_data(model));
    if (!parsed.is_valid()) throw std::logic_error("template " + name + ": " + parsed.error_message());
    return out;
}

result<std::map<std::string, asset>> load_assets(const std::string& folder) {
    const std::map<std::string, std::string> types = {{".css", "text/css; charset=utf-8"},
                                                      {".js", "text/javascript; charset=utf-8"},
                                                      {".svg", "image/svg+xml"}};
    std::map<std::string, asset> out;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        const auto type = types.find(entry.path().extension().string());
        if (type == types.end()) continue;
        auto body = read_file(entry.path());
        if (!body) return body.error();
        const auto tag = '"' + crypto::sha256_hex(*body).substr(0, 16) + '"';
        out.emplace(entry.path().filename().string(), asset{type->second, std::move(*body), tag});
    }
    if (ec || out.empty())
        return failure{errc::io, "no assets here", folder, "set node.config_dir to the config folder"};
    return ok(std::move(out));
}

} // namespace zhida::portal
