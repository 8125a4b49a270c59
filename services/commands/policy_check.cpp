#include "matching/policy_check.hpp"
#include "common/base/config_folder.hpp"
#include "common/base/utf8.hpp"
#include "services/commands.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace zhida::commands {

namespace {

constexpr std::size_t max_bytes = 1 << 20;
constexpr const char* form_help =
    "config/schemas/policy.schema.json describes the form, config/samples/policies "
    "has examples";

struct checked_file {
    std::string name;
    bool readable = true;
    std::string id, title;
    std::size_t items = 0;
    std::vector<failure> errors;
};

// At most one byte more than is allowed, so that too much is noticed without being read.
std::string read_some(std::istream& in) {
    std::string bytes(max_bytes + 1, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
}

result<std::string> read_file(const std::string& name) {
    if (name == "-") return read_some(std::cin);
    std::error_code none;
    if (std::filesystem::is_directory(name, none))
        return failure{errc::io, "is a folder", "", "name files, as " + name + "/*.json"};
    std::ifstream file(name, std::ios::binary);
    if (!file)
        return failure{errc::io, std::string("cannot be opened: ") + std::strerror(errno), "",
                       "check the path and who may read it"};
    auto bytes = read_some(file);
    if (file.bad())
        return failure{errc::io, std::string("cannot be read: ") + std::strerror(errno), "",
                       "check the disk"};
    return bytes;
}

// What is better said in words than by a JSON parser; nothing where it may be JSON.
std::optional<failure> not_a_document(std::string_view bytes) {
    if (bytes.size() > max_bytes)
        return failure{errc::exhausted, "is larger than 1 MiB", "",
                       "a policy document is some kilobytes of JSON"};
    if (std::all_of(bytes.begin(), bytes.end(),
                    [](char c) { return std::strchr(" \t\r\n", c) && c != '\0'; }))
        return failure{errc::invalid, "is empty", "", form_help};
    if (bytes.find('\0') != bytes.npos)
        return failure{errc::invalid, "is not a text (it contains zero bytes)", "", form_help};
    if (const auto good = valid_utf8_prefix(bytes); good != bytes.size())
        return failure{errc::invalid, "is not UTF-8 (byte " + std::to_string(good + 1) + ")", "",
                       "save it as UTF-8, not as GBK or UTF-16"};
    return std::nullopt;
}

checked_file check_file(const std::string& name, const matching::catalogue& c) {
    checked_file out;
    out.name = name == "-" ? "standard input" : name;
    const auto bytes = read_file(name);
    if (!bytes) {
        out.readable = false;
        out.errors.push_back(bytes.error());
        return out;
    }
    if (auto why = not_a_document(*bytes)) {
        out.errors.push_back(std::move(*why));
        return out;
    }
    const auto document = parse_json(*bytes, {max_bytes, 64});
    if (!document) {
        out.errors.push_back(document.error());
        return out;
    }
    const auto checked = matching::check_policy(*document, c, out.errors);
    if (checked) {
        out.id = checked->document.id;
        out.title = checked->document.title;
        out.items = checked->document.items.size();
    } else if (document->is_object()) {
        for (const auto& [member, into] : {std::pair("id", &out.id), std::pair("title", &out.title)})
            if (const auto found = document->find(member); found != document->end() && found->is_string())
                *into = found->get_ref<const std::string&>();
    }
    return out;
}

// A file's own words must not steer the terminal: control characters are shown as \xNN.
std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto start = at;
        const auto c = next_code_point(text, at);
        if (c == bad_code_point) ++at;
        if (c != bad_code_point && c >= 0x20 && (c < 0x7f || c > 0x9f)) {
            out += text.substr(start, at - start);
            continue;
        }
        for (auto i = start; i < at; ++i) {
            std::array<char, 8> hex{};
            std::snprintf(hex.data(), hex.size(), "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(text[i])));
            out += hex.data();
        }
    }
    return out;
}

void print_text(const checked_file& f) {
    if (f.errors.empty()) {
        std::cout << printable(f.name + ": ok: " + f.id + " " + f.title) << ", " << f.items
                  << (f.items == 1 ? " item\n" : " items\n");
        return;
    }
    for (const auto& e : f.errors) std::cout << printable(f.name + ": " + e.text()) << "\n";
}

// The pointer of the whole document is "" (RFC 6901); for people it is "/".
json to_json(const checked_file& f) {
    json errors = json::array();
    for (const auto& e : f.errors)
        errors.push_back({{"pointer", e.where == "/" ? "" : e.where}, {"what", e.what}, {"fix", e.fix}});
    return {{"file", f.name},   {"ok", f.errors.empty()}, {"id", f.id},
            {"title", f.title}, {"items", f.items},       {"errors", std::move(errors)}};
}

} // namespace

int policy_check(const options& o, const std::vector<std::string>& files) {
    if (files.empty()) {
        std::cerr << "policy check: name one or more files, or - for standard input\n";
        return 2;
    }
    const auto catalogue = matching::catalogue::load(config_folder(o.settings) + "/catalogue");
    if (!catalogue) {
        std::cerr << printable("the catalogue cannot be loaded: " + catalogue.error().text()) << "\n";
        return 1;
    }
    bool ok = true, readable = true;
    json report = json::array();
    for (const auto& name : files) {
        const auto checked = check_file(name, *catalogue);
        ok = ok && checked.errors.empty();
        readable = readable && checked.readable;
        if (o.json)
            report.push_back(to_json(checked));
        else
            print_text(checked);
    }
    if (o.json) std::cout << to_text(json{{"ok", ok}, {"files", std::move(report)}}) << "\n";
    std::cout.flush();
    return !readable ? 2 : ok ? 0 : 1;
}

} // namespace zhida::commands
