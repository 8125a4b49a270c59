#include "common/model/policy.hpp"

#include "common/model/policy_item_reader.hpp"

#include <algorithm>

namespace zhida {

namespace {

constexpr const char* supported_schema = "zhida.policy/1";

// A document of another version is told so and nothing else: its other members mean other things.
bool supported(document_reader& in) {
    const auto schema = in.value().find("schema");
    const std::string fix = std::string("supported: ") + supported_schema;
    if (schema == in.value().end()) {
        in.error_at("schema", "is missing", fix);
    } else if (!schema->is_string()) {
        in.error_at("schema", std::string("must be a text, not ") + schema->type_name(), fix);
    } else if (const auto& text = schema->get_ref<const std::string&>(); text != supported_schema) {
        in.error_at("schema", "'" + shortened(text) + "' is not a supported version of the document", fix);
    } else {
        return true;
    }
    return false;
}

// Six digits of GB/T 2260, then three of the street and three of the village or neighbourhood.
bool division_form(std::string_view code) {
    if (code.size() != 6 && code.size() != 9 && code.size() != 12) return false;
    return std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void read_push(document_reader& in, policy& out) {
    out.channels = {channel::web, channel::sms, channel::wechat};
    if (!in.table("push", false)) return;
    auto push = in.child("push");
    push.known({"channels", "reach"});
    if (const json* names = push.list("channels", false, 1, channel_count)) {
        out.channels.clear();
        for (std::size_t i = 0; i < names->size(); ++i) {
            const auto& name = (*names)[i];
            channel c = channel::web;
            const auto where = push.at("channels") + "/" + std::to_string(i);
            if (!name.is_string() || !parse(name.get_ref<const std::string&>(), c))
                in.errors().push_back({errc::invalid, "is not a channel", where, "one of: web, sms, wechat"});
            else if (std::find(out.channels.begin(), out.channels.end(), c) != out.channels.end())
                in.errors().push_back(
                    {errc::invalid, std::string(to_string(c)) + " is given twice", where, "remove one"});
            else
                out.channels.push_back(c);
        }
    }
    const auto reach = push.choice("reach", false, {"eligible", "decided", "possible"});
    if (reach == "eligible") out.reach = push_reach::eligible;
    if (reach == "possible") out.reach = push_reach::possible;
}

void read_routing(document_reader& in, policy& out) {
    if (!in.table("routing", false)) return;
    auto routing = in.child("routing");
    routing.known({"mode", "unread_hours"});
    static_cast<void>(parse(routing.choice("mode", true, {"parallel", "fallback"}), out.routing.how));
    out.routing.unread_hours =
        static_cast<int>(routing.integer("unread_hours", false, 0, most_unread_hours).value_or(0));
}

void read_head(document_reader& in, policy& out) {
    out.schema = supported_schema;
    out.id = in.identifier("id", 40);
    out.version = static_cast<int>(in.integer("version", true, 1, 1000000).value_or(1));
    out.title = in.words("title", true, 200);
    out.doc_no = in.words("doc_no", false, 200);
    out.issuer = in.words("issuer", true, 200);
    out.level = in.choice("level", true, {"国", "省", "市", "区", "街镇", "园区"});
    out.region = in.words("region", true, 12);
    if (!out.region.empty() && !division_form(out.region))
        in.error_at("region", "'" + out.region + "' is not a division code",
                    "6, 9 or 12 digits, as 310113 for 宝山区");
    out.theme = in.words("theme", false, 100);
    out.disclosure = in.choice("disclosure", true, {"主动公开", "依申请公开", "不予公开"});
    out.published = in.day("published");
    out.valid = read_window(in, "valid", false);
    static_cast<void>(parse(in.choice("urgency", false, {"normal", "urgent", "emergency"}), out.urgency));
    out.source = in.words("source", false, 2000);
    out.source_note = in.words("source_note", false, 2000);
}

struct urgency_name {
    const char* name;
    const char* label;
};
constexpr urgency_name urgencies[] = {{"normal", "普通"}, {"urgent", "加急"}, {"emergency", "应急"}};

} // namespace

const char* to_string(campaign_urgency u) noexcept {
    return urgencies[static_cast<int>(u)].name;
}
const char* label(campaign_urgency u) noexcept {
    return urgencies[static_cast<int>(u)].label;
}
bool parse(std::string_view text, campaign_urgency& out) noexcept {
    for (std::size_t i = 0; i < std::size(urgencies); ++i)
        if (text == urgencies[i].name) {
            out = static_cast<campaign_urgency>(i);
            return true;
        }
    return false;
}

const char* to_string(channel_routing::mode m) noexcept {
    return m == channel_routing::mode::fallback ? "fallback" : "parallel";
}
bool parse(std::string_view text, channel_routing::mode& out) noexcept {
    for (const auto m : {channel_routing::mode::parallel, channel_routing::mode::fallback})
        if (text == to_string(m)) {
            out = m;
            return true;
        }
    return false;
}

const char* to_string(channel c) noexcept {
    switch (c) {
    case channel::web:
        return "web";
    case channel::sms:
        return "sms";
    case channel::wechat:
        return "wechat";
    }
    return "unknown";
}

bool parse(std::string_view text, channel& out) noexcept {
    for (const auto c : {channel::web, channel::sms, channel::wechat}) {
        if (text != to_string(c)) continue;
        out = c;
        return true;
    }
    return false;
}

const policy_item* policy::find_item(std::string_view wanted) const noexcept {
    const auto found =
        std::find_if(items.begin(), items.end(), [&](const policy_item& i) { return i.id == wanted; });
    return found == items.end() ? nullptr : &*found;
}

result<policy> read_policy(const json& document, std::vector<failure>& errors) {
    const auto before = errors.size();
    policy out;
    document_reader in(document, "", errors);
    if (!in.is_object() || !supported(in)) return errors[before];

    in.known({"schema", "id", "version", "title", "doc_no", "issuer", "level", "region", "theme",
              "disclosure", "published", "valid", "items", "interpretations", "push", "urgency", "routing",
              "source", "source_note"});
    read_head(in, out);
    if (const json* items = in.list("items", true, 1, 16))
        for (std::size_t i = 0; i < items->size(); ++i)
            out.items.push_back(read_item({(*items)[i], in.at("items") + "/" + std::to_string(i), errors}));
    if (const json* entries = in.list("interpretations", false, 0, 32))
        for (std::size_t i = 0; i < entries->size(); ++i)
            out.interpretations.push_back(read_interpretation(
                {(*entries)[i], in.at("interpretations") + "/" + std::to_string(i), errors}));
    read_push(in, out);
    read_routing(in, out);

    if (errors.size() > before) return errors[before];
    return out;
}

} // namespace zhida
