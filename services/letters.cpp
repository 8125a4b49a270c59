#include "services/letters.hpp"

#include "common/base/crypto.hpp"
#include "common/base/utf8.hpp"
#include "common/model/topics.hpp"
#include "services/dead_letter.hpp"

#include <algorithm>

namespace zhida {

namespace {

std::string text_of(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

} // namespace

result<dead_letter> read_letter(const io::log_record& record) {
    const auto not_ours = [&](const std::string& what) {
        return failure{errc::invalid, "not a letter of Zhida: " + what,
                       "zhida.deadletter, number " + std::to_string(record.offset),
                       "somebody else writes to the topic"};
    };
    const auto event = decode_event(record.headers, record.value);
    if (!event) return not_ours(event.error().what);
    if (event->type != event_type::dead_letter) return not_ours("its type is '" + event->type + "'");
    std::vector<failure> errors;
    json_reader in(event->data, "", errors);
    if (!in.is_object()) return not_ours("it is no object");
    dead_letter letter;
    letter.number = record.offset;
    letter.buried_ms = record.timestamp_ms;
    letter.by = event->source;
    letter.message.topic = in.text("topic", true, 249).value_or("");
    letter.message.partition =
        static_cast<std::int32_t>(in.integer("partition", true, 0, INT32_MAX).value_or(0));
    letter.offset = in.integer("offset", true, 0, INT64_MAX).value_or(0);
    letter.bytes = static_cast<std::size_t>(in.integer("bytes", true, 0, INT64_MAX).value_or(0));
    if (!errors.empty()) return not_ours(errors.front().text());
    letter.message.key = text_of(event->data, "key");
    const auto value = crypto::from_base64(text_of(event->data, "value_base64"));
    if (!value) return not_ours("its record cannot be decoded");
    letter.message.value = *value;
    const auto whole = event->data.find("whole");
    letter.whole = whole != event->data.end() && whole->is_boolean() && whole->get<bool>() &&
                   letter.message.value.size() == letter.bytes;
    if (const auto headers = event->data.find("headers"); headers != event->data.end() && headers->is_array())
        for (const auto& h : *headers) {
            if (!h.is_array() || h.size() != 2 || !h[0].is_string() || !h[1].is_string())
                return not_ours("a header of its record cannot be read");
            letter.message.headers.emplace_back(h[0].get<std::string>(), h[1].get<std::string>());
            letter.whole =
                letter.whole && letter.message.headers.back().second.size() < letter_limits::header;
        }
    // What is as long as a letter keeps at most may have been longer.
    letter.whole = letter.whole && letter.message.headers.size() < letter_limits::headers &&
                   letter.message.key.size() < letter_limits::key;
    if (const auto reasons = event->data.find("errors"); reasons != event->data.end() && reasons->is_array())
        for (const auto& r : *reasons)
            if (r.is_object())
                letter.errors.push_back(
                    {errc::invalid, text_of(r, "what"), text_of(r, "where"), text_of(r, "fix")});
    return letter;
}

result<void> may_replay(const dead_letter& letter) {
    const auto where = "zhida.deadletter, number " + std::to_string(letter.number);
    const auto& topic = letter.message.topic;
    if (topic == topics::consent)
        return failure{errc::invalid, "a wish handed in late would stand over what the person said since",
                       where, "enter it in the portal, if it still holds"};
    const auto read_by_us = {std::string(topics::policy),    std::string(topics::profile),
                             std::string(topics::receipt),   topics::dispatch(channel::web),
                             topics::dispatch(channel::sms), topics::dispatch(channel::wechat)};
    if (std::find(read_by_us.begin(), read_by_us.end(), topic) == read_by_us.end())
        return failure{errc::invalid, "its topic '" + topic + "' is none that is handed in again", where,
                       "hand the event in where it belongs"};
    if (!letter.whole)
        return failure{errc::invalid,
                       "the record has " + std::to_string(letter.bytes) + " bytes and was not kept whole",
                       where, "ask its sender for it again"};
    return {};
}

std::string for_terminal(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // C1 controls are U+0080 to U+009F: C2 80 to C2 9F.
        if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
            out += ' ';
            ++i;
        } else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
            out += ' ';
        } else {
            out += text[i];
        }
    }
    if (!valid_utf8(out)) out = to_text(json(out)); // U+FFFD for what is no text, in quotes
    return out;
}

} // namespace zhida
