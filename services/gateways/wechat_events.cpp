#include "services/gateways/wechat_events.hpp"

#include "common/base/crypto.hpp"
#include "common/base/utf8.hpp"
#include "services/gateways/cloud_entry.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace zhida::gateways {

namespace {

constexpr std::size_t most_depth = 16, most_entries = 100, most_id = 128, most_key = 128, most_word = 64,
                      most_text = 4096, most_answer_text = 2048;
constexpr std::int64_t year_2100 = 4'102'444'800;

// What XML and JSON have in common: members by name, of which one may be given several times.
struct member {
    std::string name, text;
    std::vector<member> members;

    const member* find(std::string_view wanted) const {
        const auto found =
            std::find_if(members.begin(), members.end(), [&](const member& m) { return m.name == wanted; });
        return found == members.end() ? nullptr : &*found;
    }
};

failure wrong(std::string what, std::string where = "/") {
    return {errc::invalid, std::move(what), std::move(where), "is this what the platform posts?"};
}

std::string whole_utf8(std::string_view text) {
    std::string whole;
    for (;;) {
        const auto good = valid_utf8_prefix(text);
        whole += text.substr(0, good);
        if (good == text.size()) return whole;
        whole += "\xef\xbf\xbd";
        text.remove_prefix(good + 1);
    }
}

bool xml_character(char32_t c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
           (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

// The five references that XML has by itself, and numbers. Nothing: any other.
std::optional<std::string> without_references(std::string_view raw) {
    constexpr std::pair<std::string_view, char> predefined[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    std::string out;
    for (;;) {
        const auto mark = raw.find('&');
        out += raw.substr(0, mark);
        if (mark == std::string_view::npos) return out;
        raw.remove_prefix(mark + 1);
        const auto end = raw.find(';');
        if (end == std::string_view::npos) return std::nullopt;
        auto name = raw.substr(0, end);
        raw.remove_prefix(end + 1);
        if (name.starts_with('#')) {
            const bool hex = name.starts_with("#x");
            name.remove_prefix(hex ? 2 : 1);
            std::uint32_t number = 0;
            const auto [last, error] =
                std::from_chars(name.data(), name.data() + name.size(), number, hex ? 16 : 10);
            if (error != std::errc{} || last != name.data() + name.size() || !xml_character(number))
                return std::nullopt;
            append_utf8(out, number);
            continue;
        }
        const auto* found = std::find_if(std::begin(predefined), std::end(predefined),
                                         [&](const auto& p) { return p.first == name; });
        if (found == std::end(predefined)) return std::nullopt;
        out += found->second;
    }
}

// Failure where pugixml has let something pass that the platform never sends. `depth`: levels left.
result<member> of_xml(const pugi::xml_node& element, std::size_t depth) {
    member m;
    m.name = element.name();
    if (depth == 0) return wrong("nested deeper than " + std::to_string(most_depth) + " levels");
    for (const auto& attribute : element.attributes())
        if (!without_references(attribute.value())) return wrong("an entity of its own", "/" + m.name);
    for (const auto& child : element.children()) {
        if (child.type() == pugi::node_cdata) {
            m.text += child.value();
        } else if (child.type() == pugi::node_pcdata) {
            const auto text = without_references(child.value());
            if (!text) return wrong("an entity of its own", "/" + m.name);
            m.text += *text;
        } else if (child.type() == pugi::node_element) {
            auto inner = of_xml(child, depth - 1);
            if (!inner) return inner.error();
            m.members.push_back(std::move(*inner));
        } else {
            return wrong("neither elements nor text", "/" + m.name);
        }
    }
    return m;
}

result<member> read_xml(std::string_view xml) {
    if (xml.find('\0') != std::string_view::npos) return wrong("a zero byte");
    const auto text = whole_utf8(xml);
    pugi::xml_document document;
    // Everything becomes a node and is looked at; references are ours to resolve.
    const auto read = document.load_buffer(text.data(), text.size(),
                                           pugi::parse_cdata | pugi::parse_eol | pugi::parse_comments |
                                               pugi::parse_pi | pugi::parse_declaration | pugi::parse_doctype,
                                           pugi::encoding_utf8);
    if (!read)
        return wrong(std::string("no XML: ") + read.description(), "byte " + std::to_string(read.offset));
    pugi::xml_node root;
    for (const auto& child : document.children()) {
        if (child.type() == pugi::node_doctype) return wrong("a DTD");
        if (child.type() == pugi::node_declaration) continue;
        if (child.type() != pugi::node_element || root || child.name() != std::string_view("xml"))
            return wrong("more than one element <xml>");
        root = child;
    }
    return of_xml(root, most_depth);
}

member of_json(std::string name, const json& value) {
    member m;
    m.name = std::move(name);
    if (const auto* text = value.get_ptr<const std::string*>())
        m.text = *text;
    else if (value.is_number())
        m.text = to_text(value);
    else if (value.is_object())
        for (const auto& [key, inner] : value.items()) {
            if (inner.is_array()) // as XML has it: the name once for each
                for (const auto& one : inner) m.members.push_back(of_json(key, one));
            else
                m.members.push_back(of_json(key, inner));
        }
    return m;
}

result<member> read_posted(std::string_view text, std::size_t most_bytes) {
    if (text.size() > most_bytes) return wrong("more than " + std::to_string(most_bytes) + " bytes");
    if (!text.starts_with('{')) return read_xml(text);
    const auto body = parse_pushed(text);
    if (!body) return wrong(body.error().what);
    return of_json("", *body);
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    return text.substr(0, text.find_last_not_of(blank) + 1);
}

std::string cut(std::string_view text, std::size_t most) {
    return std::string(text.substr(0, valid_utf8_prefix(text.substr(0, most))));
}

// Cut: what is longer names nothing of ours.
std::string word(const member& of, std::string_view name, std::size_t most = most_word) {
    const auto* found = of.find(name);
    return found ? cut(trimmed(found->text), most) : "";
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

std::string message_id(const member& of) {
    auto id = word(of, "MsgID");
    return id.empty() ? word(of, "MsgId") : id;
}

// "failed: system failed" and "failed:user block" are both sent.
std::string without_spaces_after_colon(std::string text) {
    for (std::size_t colon = 0; (colon = text.find(':', colon)) != std::string::npos;) {
        ++colon;
        text.erase(colon, std::min(text.find_first_not_of(' ', colon), text.size()) - colon);
    }
    return text;
}

void add_entry(const member& of, bool sent, std::vector<subscription_entry>& entries) {
    subscription_entry e;
    e.template_id = word(of, "TemplateId", most_id);
    if (e.template_id.empty()) return;
    if (!sent) {
        e.status = lower(word(of, "SubscribeStatusString"));
    } else {
        e.msg_id = message_id(of);
        e.error_status = word(of, "ErrorStatus");
        // Without a code that can be read the words decide, and nothing passes for sent by mistake.
        e.error_code = number(word(of, "ErrorCode")).value_or(lower(e.error_status) == "success" ? 0 : -1);
        e.status = e.error_code == 0 ? "success" : "failed";
    }
    entries.push_back(std::move(e));
}

// In <SubscribeMsg...Event><List>, one or many; in JSON in List; and in either without the List.
result<std::vector<subscription_entry>> entries_of(const member& root, const std::string& event) {
    std::vector<subscription_entry> entries;
    if (!event.starts_with("subscribe_msg_")) return entries;
    const bool sent = event == "subscribe_msg_sent_event";
    std::vector<const member*> holders{&root};
    for (const auto& m : root.members)
        if (m.name.starts_with("SubscribeMsg")) holders.push_back(&m);
    for (const auto* holder : holders) {
        add_entry(*holder, sent, entries);
        for (const auto& m : holder->members)
            if (m.name == "List") add_entry(m, sent, entries);
    }
    if (entries.size() > most_entries)
        return wrong("more than " + std::to_string(most_entries) + " entries", "/List");
    return entries;
}

// In CDATA; what would end it is written in two.
std::string cdata(const char* name, std::string_view text) {
    std::string safe;
    for (std::size_t at = 0; at < text.size();) {
        const auto before = at;
        const auto c = next_code_point(text, at);
        if (c == bad_code_point) ++at;
        if (xml_character(c)) safe += text.substr(before, at - before);
    }
    for (std::size_t at = 0; (at = safe.find("]]>", at)) != std::string::npos; at += 15)
        safe.replace(at, 3, "]]]]><![CDATA[>");
    return "<" + std::string(name) + "><![CDATA[" + safe + "]]></" + name + ">";
}

} // namespace

result<encrypted_event> read_encrypted_event(std::string_view xml) {
    const auto root = read_posted(xml, most_envelope_bytes);
    if (!root) return root.error();
    encrypted_event e;
    e.to = word(*root, "ToUserName", most_id);
    if (const auto* found = root->find("Encrypt")) e.encrypted = found->text;
    if (e.encrypted.empty()) return wrong("is missing", "/Encrypt");
    return e;
}

std::string encrypted_answer(std::string_view encrypted, std::string_view signature,
                             std::string_view timestamp, std::string_view nonce) {
    return "<xml>" + cdata("Encrypt", encrypted) + cdata("MsgSignature", signature) + "<TimeStamp>" +
           std::string(timestamp) + "</TimeStamp>" + cdata("Nonce", nonce) + "</xml>";
}

std::string text_answer(std::string_view to, std::string_view from, wall_time now, std::string_view text) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    return "<xml>" + cdata("ToUserName", to) + cdata("FromUserName", from) + "<CreateTime>" +
           std::to_string(seconds) + "</CreateTime>" + cdata("MsgType", "text") +
           cdata("Content", cut(whole_utf8(text), most_answer_text)) + "</xml>";
}

result<wechat_event> read_wechat_event(std::string_view xml) {
    const auto root = read_posted(xml, most_event_bytes);
    if (!root) return root.error();
    wechat_event e;
    e.to = word(*root, "ToUserName", most_id);
    // Not cut: half an openid would be somebody else.
    e.from = word(*root, "FromUserName", most_id + 1);
    if (e.from.empty() || e.from.size() > most_id)
        return wrong("is not 1 to " + std::to_string(most_id) + " bytes", "/FromUserName");
    const auto seconds = number(word(*root, "CreateTime"));
    if (!seconds || *seconds < 0 || *seconds > year_2100)
        return wrong("is no time in seconds", "/CreateTime");
    e.at = wall_time(milliseconds(1000 * *seconds));
    e.type = lower(word(*root, "MsgType"));
    if (e.type.empty()) return wrong("is missing", "/MsgType");
    e.event = lower(word(*root, "Event"));
    e.key = word(*root, "EventKey", most_key);
    if (constexpr std::string_view prefix = "qrscene_"; e.event == "subscribe" && e.key.starts_with(prefix))
        e.key.erase(0, prefix.size());
    if (const auto* found = root->find("Content")) e.text = cut(found->text, most_text);
    e.msg_id = message_id(*root);
    e.status = without_spaces_after_colon(word(*root, "Status"));
    auto entries = entries_of(*root, e.event);
    if (!entries) return entries.error();
    e.entries = std::move(*entries);
    return e;
}

std::string repetition_key(const wechat_event& e) {
    std::string all;
    // With its length, so that no two lists of parts join to the same text.
    const auto add = [&](std::string_view part) {
        all.append(std::to_string(part.size())) += ':', all += part;
    };
    add(e.from);
    add(e.msg_id);
    if (e.type == "event" || e.msg_id.empty()) {
        add(std::to_string(e.at.time_since_epoch().count()));
        for (const auto* part : {&e.type, &e.event, &e.key, &e.status, &e.text}) add(*part);
        for (const auto& entry : e.entries)
            for (const auto* part : {&entry.template_id, &entry.status, &entry.msg_id, &entry.error_status})
                add(*part);
    }
    return crypto::sha256_hex(all); // names nobody in the store
}

} // namespace zhida::gateways
