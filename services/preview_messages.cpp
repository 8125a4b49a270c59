#include "services/preview_messages.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace zhida {

namespace {

constexpr std::int64_t most = std::int64_t{1} << 53; // of counts: what every JSON reader holds
constexpr int most_shards = 4096;

constexpr std::array reaches{std::pair{push_reach::eligible, "eligible"},
                             std::pair{push_reach::decided, "decided"},
                             std::pair{push_reach::possible, "possible"}};

json counts_document(const matching::verdict_counts& c) {
    return json::array({c.eligible, c.possible, c.decided, c.one_short});
}

json cells_document(const std::map<std::string, matching::verdict_counts>& cells) {
    json out = json::object();
    for (const auto& [code, counts] : cells) out[code] = counts_document(counts);
    return out;
}

bool count_in(const json& value, std::int64_t& to) {
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > most))
        return false;
    to = value.get<std::int64_t>();
    return to >= 0 && to <= most;
}

void read_counts(json_reader& in, std::string_view member, const json& value, matching::verdict_counts& to) {
    if (!value.is_array() || value.size() != 4 || !count_in(value[0], to.eligible) ||
        !count_in(value[1], to.possible) || !count_in(value[2], to.decided) ||
        !count_in(value[3], to.one_short))
        in.error_at(member, "must be four counts");
}

void read_cells(json_reader& in, std::string_view member,
                std::map<std::string, matching::verdict_counts>& to) {
    const auto* cells = in.object(member, true);
    if (!cells) return;
    for (const auto& [code, counts] : cells->items()) read_counts(in, member, counts, to[code]);
}

std::vector<channel> read_channels(json_reader& in) {
    std::vector<channel> out;
    const auto* names = in.array("channels", true, channel_count);
    if (!names) return out;
    for (const auto& name : *names) {
        channel via{};
        if (!name.is_string() || !parse(name.get_ref<const std::string&>(), via))
            in.error_at("channels", "must be names of channels", "web, sms, wechat");
        else if (std::find(out.begin(), out.end(), via) == out.end())
            out.push_back(via);
    }
    return out;
}

} // namespace

const char* to_string(push_reach reach) noexcept {
    for (const auto& [one, name] : reaches)
        if (one == reach) return name;
    return "";
}

bool parse(std::string_view text, push_reach& out) noexcept {
    for (const auto& [one, name] : reaches) {
        if (text != name) continue;
        out = one;
        return true;
    }
    return false;
}

channel_preview& channel_preview::operator+=(const channel_preview& o) noexcept {
    reachable += o.reachable;
    opted_out += o.opted_out;
    no_contact += o.no_contact;
    no_grant += o.no_grant;
    capped += o.capped;
    return *this;
}

preview_part& preview_part::operator+=(const preview_part& o) {
    found += o.found;
    audience += o.audience;
    for (const auto& theirs : o.channels) {
        bool added = false;
        for (auto& ours : channels)
            if (ours.via == theirs.via) ours += theirs, added = true;
        if (!added) channels.push_back(theirs);
    }
    sample.insert(sample.end(), o.sample.begin(), o.sample.end());
    shards.insert(shards.end(), o.shards.begin(), o.shards.end());
    return *this;
}

json to_document(const preview_question& q) {
    json channels = json::array();
    for (const auto via : q.channels) channels.push_back(to_string(via));
    return {{"subject", to_string(q.subject)}, {"condition", q.condition}, {"reach", to_string(q.reach)},
            {"channels", std::move(channels)}, {"shards", q.shards},       {"samples", q.samples}};
}

std::optional<preview_question> read_preview_question(const json& document, std::vector<failure>& errors) {
    const auto before = errors.size();
    json_reader in(document, "", errors);
    if (!in.is_object()) return std::nullopt;
    preview_question q;
    if (const auto subject = in.text("subject", true); subject && !parse(*subject, q.subject))
        in.error_at("subject", "must be enterprise or resident");
    if (const auto reach = in.text("reach", true); reach && !parse(*reach, q.reach))
        in.error_at("reach", "must be eligible, decided or possible");
    if (in.has("condition"))
        q.condition = document.at("condition");
    else
        in.error_at("condition", "is missing");
    q.channels = read_channels(in);
    if (const auto* shards = in.array("shards", true, most_shards))
        for (const auto& s : *shards) {
            std::int64_t number = 0;
            if (!count_in(s, number) || number >= most_shards)
                in.error_at("shards", "must be numbers of shards");
            else
                q.shards.push_back(static_cast<int>(number));
        }
    std::sort(q.shards.begin(), q.shards.end()); // one named twice is counted once
    q.shards.erase(std::unique(q.shards.begin(), q.shards.end()), q.shards.end());
    q.samples = static_cast<std::uint32_t>(in.integer("samples", true, 0, most_samples).value_or(0));
    if (errors.size() > before) return std::nullopt;
    return q;
}

json to_document(const preview_part& p) {
    json channels = json::object(), sample = json::array(), shards = json::array();
    for (const auto& c : p.channels)
        channels[to_string(c.via)] = {c.reachable, c.opted_out, c.no_contact, c.no_grant, c.capped};
    for (const auto& s : p.sample) sample.push_back({s.shard, s.ordinal});
    for (const auto& s : p.shards)
        shards.push_back(
            {s.shard, s.profile_offset, s.policy_offset, s.at_ms, s.profiles_behind, s.exclusions_age_ms});
    return {{"audience", p.audience},
            {"all", counts_document(p.found.all)},
            {"towns", cells_document(p.found.towns)},
            {"sections", cells_document(p.found.sections)},
            {"sizes", cells_document(p.found.sizes)},
            {"missing", p.found.missing},
            {"channels", std::move(channels)},
            {"sample", std::move(sample)},
            {"shards", std::move(shards)}};
}

result<preview_part> read_preview_part(const json& document) {
    std::vector<failure> errors;
    json_reader in(document, "", errors);
    preview_part p;
    if (!in.is_object()) return errors.front();
    p.audience = in.integer("audience", true, 0, most).value_or(0);
    if (in.has("all"))
        read_counts(in, "all", document.at("all"), p.found.all);
    else
        in.error_at("all", "is missing");
    read_cells(in, "towns", p.found.towns);
    read_cells(in, "sections", p.found.sections);
    read_cells(in, "sizes", p.found.sizes);
    if (const auto* missing = in.object("missing", true))
        for (const auto& [name, count] : missing->items())
            if (!count_in(count, p.found.missing[name])) in.error_at("missing", "must be counts");
    if (const auto* channels = in.object("channels", true))
        for (const auto& [name, c] : channels->items()) {
            channel_preview one;
            if (!parse(name, one.via) || !c.is_array() || c.size() != 5 || !count_in(c[0], one.reachable) ||
                !count_in(c[1], one.opted_out) || !count_in(c[2], one.no_contact) ||
                !count_in(c[3], one.no_grant) || !count_in(c[4], one.capped))
                in.error_at("channels", "must be five counts of each channel");
            else
                p.channels.push_back(one);
        }
    // Rows of numbers: how many of them, and what to do with them.
    const auto rows = [&](const char* member, std::size_t width, auto take) {
        const auto* list = in.array(member, true);
        if (!list) return;
        for (const auto& row : *list) {
            std::array<std::int64_t, 6> n{};
            bool good = row.is_array() && row.size() == width;
            for (std::size_t i = 0; good && i < width; ++i) good = count_in(row[i], n[i]);
            if (!good || n[0] >= most_shards) return in.error_at(member, "must be rows of counts");
            take(n);
        }
    };
    rows("sample", 2, [&](const auto& n) {
        if (n[1] > std::numeric_limits<std::uint32_t>::max())
            return in.error_at("sample", "must be an ordinal");
        p.sample.push_back({static_cast<int>(n[0]), static_cast<std::uint32_t>(n[1])});
    });
    rows("shards", 6,
         [&](const auto& n) { p.shards.push_back({static_cast<int>(n[0]), n[1], n[2], n[3], n[4], n[5]}); });
    if (!errors.empty()) return errors.front();
    return p;
}

} // namespace zhida
