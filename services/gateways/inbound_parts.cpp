#include "services/gateways/inbound_parts.hpp"

#include "services/gateways/inbound_text.hpp"
#include "services/gateways/sms_text.hpp"

#include <algorithm>

namespace zhida::gateways::wire {

namespace {

std::uint8_t byte_at(std::string_view s, std::size_t at) {
    return static_cast<std::uint8_t>(s[at]);
}

// Parts of one format one behind the other are read together, for a character may be cut in two.
std::string text_of(const std::vector<std::optional<inbound_part>>& parts) {
    std::string text, run;
    std::uint8_t format = 0;
    const auto read = [&] {
        text += inbound_utf8(run, format);
        run.clear();
    };
    for (const auto& p : parts) {
        if (!p) { // missing: what is around it is not one
            read();
            continue;
        }
        // Half a UTF-16 unit would shift all that follows.
        const bool joins = p->format == format && (format != sms_format_ucs2 || run.size() % 2 == 0);
        if (!joins) read();
        format = p->format;
        run += p->content;
    }
    read();
    return text;
}

} // namespace

void take_header(inbound_part& p) {
    const std::string_view all = p.content;
    if (all.empty()) return;
    const auto header = all.substr(1, byte_at(all, 0));
    const auto place = [&](std::uint16_t ref, std::uint8_t total, std::uint8_t number) {
        if (number == 0 || number > total) return;
        p.ref = ref;
        p.total = total;
        p.number = number;
    };
    for (std::size_t at = 0; at + 2 <= header.size();) {
        const auto id = byte_at(header, at), length = byte_at(header, at + 1);
        const auto value = header.substr(at + 2, length);
        if (value.size() < length) break;
        if (id == 0 && length == 3) place(byte_at(value, 0), byte_at(value, 1), byte_at(value, 2));
        if (id == 8 && length == 4)
            place(static_cast<std::uint16_t>(byte_at(value, 0) << 8 | byte_at(value, 1)), byte_at(value, 2),
                  byte_at(value, 3));
        at += 2U + length;
    }
    p.content.erase(0, 1 + header.size());
}

inbound_parts::whole inbound_parts::close(std::size_t which) {
    auto t = std::move(open_[which]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
    deliveries_ -= t.from.size();
    return {{gateway_, std::move(t.phone), std::move(t.to), text_of(t.parts), t.at}, std::move(t.from)};
}

std::vector<inbound_parts::whole> inbound_parts::add(inbound_part p, delivery from, wall_time at,
                                                     steady_time now) {
    std::vector<whole> out;
    if (p.total <= 1) {
        out.push_back({{gateway_, std::move(p.phone), std::move(p.to), inbound_utf8(p.content, p.format), at},
                       {std::move(from)}});
        return out;
    }
    constexpr std::size_t most_content = 254; // of an SMS; whoever sends more shall not fill our memory
    if (p.content.size() > most_content) p.content.resize(most_content);
    const std::size_t place = p.number - 1U;
    // A place that is taken by something else: another text that has the same reference.
    auto t = std::find_if(open_.begin(), open_.end(), [&](const open_text& o) {
        if (o.ref != p.ref || o.parts.size() != p.total || o.phone != p.phone || o.to != p.to) return false;
        const auto& there = o.parts[place];
        return !there || (there->content == p.content && there->format == p.format);
    });
    if (t == open_.end()) {
        open_.push_back(
            {p.phone, p.to, p.ref, std::vector<std::optional<inbound_part>>(p.total), 0, {}, at, now, false});
        t = std::prev(open_.end());
    }
    t->from.push_back(std::move(from)); // also of a repetition, or the gateway repeats it for ever
    ++deliveries_;
    if (!t->parts[place]) {
        t->parts[place] = std::move(p);
        ++t->there;
    }
    if (t->there == t->parts.size()) out.push_back(close(static_cast<std::size_t>(t - open_.begin())));
    while (deliveries_ > most) out.push_back(close(0));
    return out;
}

std::vector<inbound_parts::whole> inbound_parts::overdue(steady_time now) {
    std::vector<whole> out;
    while (!open_.empty() && open_.front().since + patience <= now) out.push_back(close(0));
    return out;
}

std::vector<delivery> inbound_parts::unconfirmed(steady_time now) {
    std::vector<delivery> out;
    for (auto& t : open_) {
        if (t.since + confirm_after > now) continue;
        for (auto& d : t.from) {
            if (!d.by.expired()) out.push_back(d);
            d = {};
        }
        t.confirmed = true;
    }
    return out;
}

std::vector<inbound_parts::whole> inbound_parts::confirmed() {
    std::vector<whole> out;
    for (std::size_t i = 0; i < open_.size();)
        if (open_[i].confirmed)
            out.push_back(close(i));
        else
            ++i;
    return out;
}

} // namespace zhida::gateways::wire
