#include "common/base/crypto.hpp"
#include "services/gateways/cmpp_auth.hpp"
#include "services/simulator/cmpp_simulator_impl.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

constexpr int most_tries = 5;
constexpr milliseconds longest_hold{1000}; // of a report that waits for another

} // namespace

// A gateway does not forget, when it restarts, what it took and has not yet reported.
result<void> cmpp_simulator::impl::restore() {
    if (options.acks_file.empty()) return {};
    std::set<std::string> reported;
    std::ifstream in(options.acks_file);
    for (std::string line; std::getline(in, line);) reported.insert(line);
    for (const auto& m : log.all()) {
        const auto id = crypto::from_hex(m.id);
        if (m.channel != "sms" || !m.more.contains("account") || reported.contains(m.id) || !id ||
            id->size() != 8)
            continue;
        pending_deliver d;
        d.account = m.more.value("account", "");
        d.Dest_Id = m.more.value("src_id", "");
        for (const char c : *id) d.report.Msg_Id = d.report.Msg_Id << 8 | static_cast<std::uint8_t>(c);
        d.report.Stat = "DELIVRD";
        d.report.Submit_time = cmpp::report_time(wall_time(milliseconds(m.time_ms)));
        d.report.Done_time = cmpp::report_time(time.now());
        d.report.Dest_terminal_Id = m.to;
        homeless.push_back(std::move(d));
    }
    acks.open(options.acks_file, std::ios::app);
    if (!acks) return failure{errc::io, "cannot be opened", options.acks_file, "check simulator.record_file"};
    return {};
}

// ---- status reports

void cmpp_simulator::impl::report_later(const connection_ptr& c, const cmpp::submit& s, std::uint64_t id,
                                        const fault_rule& fault, milliseconds response_delay) {
    if (fault.report == "none") return;
    pending_deliver d;
    d.account = c->account;
    d.Dest_Id = s.Src_Id;
    d.Service_Id = s.Service_Id;
    d.form = fault.report;
    d.report.Msg_Id = id;
    d.report.Stat = fault.stat;
    d.report.Submit_time = cmpp::report_time(time.now());
    d.report.Dest_terminal_Id = s.Dest_terminal_Id.front();
    const milliseconds usual =
        fault.report_delay_ms ? milliseconds(*fault.report_delay_ms) : options.report_delay;
    const auto delay = fault.report == "early"
                           ? milliseconds(0)
                           : response_delay + usual + milliseconds(spread(fault.report_jitter_ms));
    const auto self = shared_from_this();
    const std::weak_ptr<connection> here = c;
    const auto at = [&](milliseconds after) {
        later.after(after, [self, here, d]() mutable {
            d.report.Done_time = cmpp::report_time(self->time.now());
            self->send_report(here, std::move(d));
        });
    };
    at(delay);
    if (fault.report == "duplicate") at(delay);
    if (fault.then_stat.empty()) return;
    d.report.Stat = fault.then_stat;
    d.form = "normal";
    at(delay + std::max(usual, milliseconds(1)));
}

void cmpp_simulator::impl::send_report(const std::weak_ptr<connection>& wanted, pending_deliver d) {
    const auto release = [this] {
        std::deque<pending_deliver> waiting;
        waiting.swap(held_reports);
        for (auto& w : waiting) send({}, std::move(w));
    };
    if (d.form == "after_next") {
        held_reports.push_back(std::move(d));
        return later.after(longest_hold, [self = shared_from_this(), release] { release(); });
    }
    send(wanted, std::move(d));
    release();
}

// ---- DELIVER

void cmpp_simulator::impl::send(const std::weak_ptr<connection>& wanted, pending_deliver w) {
    auto c = wanted.lock();
    if (w.form == "elsewhere") {
        for (const auto& o : connections)
            if (o != c && o->account == w.account && !o->closing()) {
                c = o;
                break;
            }
    }
    if (!c || c->closing() || c->account != w.account) {
        const auto any = std::find_if(connections.begin(), connections.end(), [&](const auto& o) {
            return o->account == w.account && !o->closing();
        });
        if (any == connections.end()) return homeless.push_back(std::move(w));
        c = *any;
    }
    ++w.tries;
    cmpp::deliver d;
    d.Msg_Id = next_id();
    d.Dest_Id = w.Dest_Id;
    d.Service_Id = w.Service_Id;
    d.Src_terminal_Id = w.report.Dest_terminal_Id;
    if (w.written) {
        d.TP_udhi = w.part.udhi ? 1 : 0;
        d.Msg_Fmt = w.part.Msg_Fmt;
        d.Msg_Content = w.part.content;
    } else {
        d.Registered_Delivery = 1;
        const bool swapped = w.form == "other_layout";
        d.Msg_Content =
            cmpp::encode_report(w.report, (c->layout == cmpp::version::v30) != swapped ? cmpp::version::v30
                                                                                       : cmpp::version::v20)
                .value();
    }
    const auto sequence = c->sequence++;
    auto frame = cmpp::encode({sequence, c->layout, d}).value();
    if (w.form == "short_tail") {
        frame.resize(frame.size() - (c->layout == cmpp::version::v30 ? 20 : 8));
        frame[3] = static_cast<char>(frame.size());
    }
    ++(w.written ? stats.inbound_sent : stats.reports_sent);
    c->put(std::move(frame));
    w.sent_at = time.steady_now();
    c->unconfirmed.emplace(sequence, std::move(w));
}

void cmpp_simulator::impl::confirmed(const connection_ptr& c, std::uint32_t Sequence_Id,
                                     std::uint32_t Result) {
    const auto found = c->unconfirmed.find(Sequence_Id);
    if (found == c->unconfirmed.end() || Result != 0) return; // refused: sent again in its time
    const bool written = found->second.written;
    ++(written ? stats.inbound_acked : stats.reports_acked);
    if (!written && acks.is_open()) acks << cmpp::id_text(found->second.report.Msg_Id) << '\n' << std::flush;
    c->unconfirmed.erase(found);
}

void cmpp_simulator::impl::send_unconfirmed(const connection_ptr& c) {
    std::vector<pending_deliver> late;
    for (auto at = c->unconfirmed.begin(); at != c->unconfirmed.end();) {
        if (time.steady_now() < at->second.sent_at + options.report_again) {
            ++at;
            continue;
        }
        if (at->second.tries < most_tries) late.push_back(std::move(at->second));
        at = c->unconfirmed.erase(at);
    }
    for (auto& d : late) send(c, std::move(d));
}

void cmpp_simulator::impl::send_homeless(const std::string& account) {
    std::deque<pending_deliver> waiting;
    waiting.swap(homeless);
    for (auto& d : waiting) {
        if (d.account == account && d.tries < most_tries)
            send({}, std::move(d));
        else if (d.tries < most_tries)
            homeless.push_back(std::move(d));
    }
}

// ---- what people write

result<void> cmpp_simulator::write_back(const inbound_message& m) {
    auto& s = *impl_;
    const auto& all = s.options.accounts;
    const auto* account = !m.account.empty() ? s.find_account(m.account)
                          : all.empty()      ? nullptr
                                             : &all.front();
    if (!account) return failure{errc::invalid, "there is no such account: " + m.account, "account", ""};
    auto parts = inbound_parts(m, s.inbound_ref);
    if (!parts) return parts.error();
    if (parts->front().udhi && !m.ref) ++s.inbound_ref;
    for (auto& part : *parts) {
        pending_deliver d;
        d.account = account->source_addr;
        d.Dest_Id = m.to.empty() ? account->src_id : m.to;
        d.report.Dest_terminal_Id = m.phone;
        d.written = true;
        d.part = std::move(part);
        s.send({}, std::move(d));
    }
    return {};
}

} // namespace zhida::simulator
