#include "common/store/audit.hpp"

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/base/little_endian.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/profile.hpp"
#include "common/model/topics.hpp"

namespace zhida {

io::log_message delivery_message(const transition& t) {
    json counts = json::object();
    for (const auto& c : t.changes) {
        auto& n = counts[ledger::to_string(c.to.now)];
        n = n.is_null() ? 1 : n.get<int>() + 1;
    }
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/ledger";
    e.type = event_type::delivery_changed;
    e.subject = t.campaign;
    e.time = to_rfc3339(wall_time(milliseconds(t.at_ms)));
    e.data = {{"campaign", t.campaign},
              {"shard", t.shard},
              {"channel", to_string(t.via)},
              {"epoch", t.epoch},
              {"kind", t.kind},
              {"at_ms", t.at_ms},
              {"counts", counts},
              {"changes", crypto::base64(store::encode_changes(t.changes))}};
    if (!t.sent.empty()) {
        std::string bytes;
        for (const auto& [ordinal, count] : t.sent) {
            for (int i = 0; i < 4; ++i) bytes += static_cast<char>(ordinal >> (8 * i) & 0xff);
            bytes += count.bytes();
        }
        e.data["sent"] = crypto::base64(bytes);
    }
    if (!t.ids.empty()) {
        json ids = json::array();
        for (const auto& m : t.ids)
            for (auto&& v :
                 {json(m.message_id), json(m.place.position), json(m.place.part), json(m.place.parts)})
                ids.push_back(v);
        e.data["message_ids"] = std::move(ids);
    }
    auto encoded = encode_event(e);
    return {topics::delivery, t.shard, t.campaign, std::move(encoded.value), encoded.headers};
}

result<transition> read_transition(const json& data) {
    std::vector<failure> errors;
    json_reader in(data, "", errors);
    transition t;
    t.campaign = in.text("campaign", true).value_or("");
    t.shard = static_cast<int>(in.integer("shard", true, 0, 1 << 20).value_or(0));
    t.epoch = static_cast<std::uint32_t>(in.integer("epoch", true, 0, UINT32_MAX).value_or(0));
    t.kind = in.text("kind", true).value_or("");
    t.at_ms = in.integer("at_ms", true, 0, INT64_MAX).value_or(0);
    if (!parse(in.text("channel", true).value_or(""), t.via)) in.error_at("channel", "is not a channel");
    const auto bytes = crypto::from_base64(in.text("changes", true, 64 << 10).value_or(""));
    if (!bytes) return bytes.error();
    auto changes = store::decode_changes(*bytes);
    if (!changes) return changes.error();
    t.changes = std::move(*changes);
    if (data.is_object() && data.contains("sent")) {
        const auto sent = crypto::from_base64(in.text("sent", true, 64 << 10).value_or(""));
        if (!sent) return sent.error();
        if (sent->size() % 8 != 0) in.error_at("sent", "ends in the middle of a count");
        for (std::size_t i = 0; i + 8 <= sent->size(); i += 8)
            t.sent.emplace_back(get32(*sent, i), sent_count::read(std::string_view(*sent).substr(i + 4, 4)));
    }
    if (data.is_object() && data.contains("message_ids"))
        if (const json* ids = in.array("message_ids", true, 4 * 16384))
            for (std::size_t i = 0; i + 4 <= ids->size(); i += 4) {
                const auto& v = *ids;
                if (!v[i].is_string() || !v[i + 1].is_number_unsigned() || !v[i + 2].is_number_unsigned() ||
                    !v[i + 3].is_number_unsigned()) {
                    in.error_at("message_ids", "is not an id, a position, a part and how many there are");
                    break;
                }
                t.ids.push_back({v[i].get<std::string>(),
                                 {t.shard, t.campaign, t.via, v[i + 1].get<std::uint32_t>(),
                                  v[i + 2].get<int>(), v[i + 3].get<int>()}});
            }
    if (!errors.empty()) return errors.front();
    return t;
}

namespace {
constexpr std::size_t members_of_a_part = 64 << 10, member_size = 6;
}

std::vector<io::log_message> audience_messages(const frozen_audience& whole, wall_time now) {
    std::vector<io::log_message> messages;
    json channels = json::array(), verdicts = json::object();
    for (const auto via : whole.channels) channels.push_back(to_string(via));
    for (const auto& [field, count] : whole.verdicts) verdicts[field] = count;
    const auto total = whole.members.size();
    for (std::size_t first = 0; first == 0 || first < total; first += members_of_a_part) {
        const auto end = std::min(total, first + members_of_a_part);
        std::string bytes;
        bytes.reserve((end - first) * member_size);
        for (auto i = first; i < end; ++i) {
            const auto& m = whole.members[i];
            for (int k = 0; k < 4; ++k) bytes += static_cast<char>(m.ordinal >> (8 * k) & 0xff);
            for (int k = 0; k < 2; ++k) bytes += static_cast<char>(m.items >> (8 * k) & 0xff);
        }
        cloud_event e;
        e.id = whole.campaign + "/" + std::to_string(whole.shard) + "/" + std::to_string(first);
        e.source = "/zhida/ledger";
        e.type = event_type::audience_frozen;
        e.subject = whole.campaign;
        e.time = to_rfc3339(now);
        e.data = {{"campaign", whole.campaign},
                  {"shard", whole.shard},
                  {"channels", channels},
                  {"verdicts", verdicts},
                  {"waiting", whole.waiting},
                  {"first", first},
                  {"total", total},
                  {"members", crypto::base64(bytes)}};
        auto encoded = encode_event(e);
        messages.push_back(
            {topics::delivery, whole.shard, whole.campaign, std::move(encoded.value), encoded.headers});
    }
    return messages;
}

result<frozen_audience> read_audience(const json& data) {
    std::vector<failure> errors;
    json_reader in(data, "", errors);
    frozen_audience a;
    a.campaign = in.text("campaign", true).value_or("");
    a.shard = static_cast<int>(in.integer("shard", true, 0, 1 << 20).value_or(0));
    a.first = static_cast<std::uint32_t>(in.integer("first", true, 0, UINT32_MAX).value_or(0));
    a.total = static_cast<std::uint32_t>(in.integer("total", true, 0, UINT32_MAX).value_or(0));
    if (const json* channels = in.array("channels", true, channel_count))
        for (const auto& entry : *channels) {
            channel via{};
            if (entry.is_string() && parse(entry.get_ref<const std::string&>(), via))
                a.channels.push_back(via);
            else
                in.error_at("channels", "names an unknown channel");
        }
    if (errors.empty() && data.contains("verdicts") && data["verdicts"].is_object())
        for (const auto& [field, count] : data["verdicts"].items())
            if (count.is_number_integer()) a.verdicts[field] = count.get<std::int64_t>();
    a.waiting = errors.empty() && data.value("waiting", false);
    if (!in.has("members")) in.error_at("members", "is missing");
    const auto bytes = crypto::from_base64(in.text("members", false, 1 << 20).value_or("")); // "": nobody
    if (!bytes) return bytes.error();
    if (bytes->size() % member_size != 0) in.error_at("members", "ends in the middle of a member");
    for (std::size_t i = 0; i + member_size <= bytes->size(); i += member_size)
        a.members.push_back({get32(*bytes, i), get16(*bytes, i + 4)});
    if (errors.empty() && a.first + a.members.size() > a.total)
        in.error_at("members", "are more than the total");
    if (!errors.empty()) return errors.front();
    return a;
}

io::log_message numbers_message(const store::numbered_subjects& subjects, wall_time now) {
    cloud_event e;
    e.id = "numbers/" + std::to_string(subjects.shard) + "/" + std::to_string(subjects.first);
    e.source = "/zhida/ledger";
    e.type = event_type::subjects_numbered;
    e.subject = std::to_string(subjects.shard);
    e.time = to_rfc3339(now);
    e.data = {{"shard", subjects.shard}, {"first", subjects.first}, {"ids", subjects.ids}};
    auto encoded = encode_event(e);
    return {topics::delivery, subjects.shard, e.id, std::move(encoded.value), encoded.headers};
}

result<store::numbered_subjects> read_numbers(const json& data) {
    std::vector<failure> errors;
    json_reader in(data, "", errors);
    store::numbered_subjects found;
    found.shard = static_cast<int>(in.integer("shard", true, 0, 1 << 20).value_or(0));
    found.first = static_cast<std::uint32_t>(in.integer("first", true, 0, UINT32_MAX).value_or(0));
    if (const json* ids = in.array("ids", true, 1 << 16))
        for (const auto& id : *ids) {
            const bool known = id.is_string() && valid_subject_id(id.get_ref<const std::string&>());
            if (known)
                found.ids.push_back(id.get<std::string>());
            else
                in.error_at("ids", "names no subject");
        }
    if (!errors.empty()) return errors.front();
    return found;
}

} // namespace zhida
