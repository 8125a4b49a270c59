#include "services/simulator/smpp_simulator.hpp"

#include "common/base/log.hpp"
#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/gateways/smpp_codec.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/simulator/bad_pdu.hpp"
#include "services/simulator/numbers.hpp"
#include "services/simulator/pdu_server.hpp"
#include "services/simulator/schedule.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <charconv>
#include <deque>
#include <fstream>
#include <random>
#include <set>

namespace zhida::simulator {

using tcp = asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;
namespace smpp = gateways::smpp;

namespace {

constexpr int most_tries = 5;
constexpr milliseconds longest_hold{1000};         // of an answer that waits for another
constexpr std::size_t most_in_short_message = 140; // what one short message of the network carries

// A receipt on its way to the account that submitted the message, or what somebody wrote back.
struct pending_deliver {
    std::string account;
    std::string recorded;           // the message's id in the log
    std::string phone, source_addr; // of the recipient, and of the submit_sm
    smpp::receipt receipt;
    std::string form = "normal"; // as fault_rule::report
    std::string written;         // UCS2; empty: a receipt
    int tries = 0;
    steady_time sent_at{};
};

std::string in_base(std::uint64_t n, int base) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, n, base).ptr;
    return {text, end};
}

struct ids {
    std::string answer, receipt;
};
// One message_id as both write it.
ids written_ids(std::uint64_t id, const std::string& form) {
    const auto hex = in_base(id, 16), decimal = in_base(id, 10);
    if (form == "hex_and_decimal") return {hex, decimal};
    if (form == "decimal_and_hex") return {decimal, hex};
    if (form == "zeros") return {decimal, std::string(20 - decimal.size(), '0') + decimal};
    auto upper = hex;
    for (auto& c : upper)
        if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    return {hex, form == "upper" ? upper : hex};
}

// message_state of a text form's `stat`.
char state_of(std::string_view stat) {
    for (std::uint8_t state = 1; state <= 8; ++state)
        if (stat == smpp::stat_of(state)) return static_cast<char>(state);
    return 7; // UNKNOWN
}

struct part_of {
    std::int64_t number = 1, total = 1;
    std::optional<std::int64_t> ref;
    std::string_view body; // without its header
};
// By its user data header (8 or 16-bit reference), or the sar_ TLVs.
part_of read_part(const smpp::submit_sm& s) {
    part_of p;
    p.body = smpp::message_of(s);
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(p.body[at]); };
    if ((s.esm_class & smpp::esm_udhi) != 0 && !p.body.empty()) {
        const std::size_t length = byte(0) + 1U;
        if (length == 6 && p.body.size() >= length && byte(1) == 0)
            p = {byte(5), byte(4), byte(3), p.body};
        else if (length == 7 && p.body.size() >= length && byte(1) == 8)
            p = {byte(6), byte(5), byte(3) << 8 | byte(4), p.body};
        p.body.remove_prefix(std::min(length, p.body.size()));
        return p;
    }
    const auto number = [&](std::uint16_t tag) -> std::optional<std::int64_t> {
        const auto* t = smpp::find(s.optional, tag);
        if (t == nullptr || t->value.empty()) return std::nullopt;
        std::int64_t n = 0;
        for (const char c : t->value.substr(0, 2)) n = n << 8 | static_cast<std::uint8_t>(c);
        return n;
    };
    p.ref = number(smpp::tag::sar_msg_ref_num);
    p.total = number(smpp::tag::sar_total_segments).value_or(1);
    p.number = number(smpp::tag::sar_segment_seqnum).value_or(1);
    return p;
}

} // namespace

struct smpp_simulator::connection : pdu_connection, std::enable_shared_from_this<connection> {
    connection(tcp::socket s, std::shared_ptr<impl> of);
    void received(std::string_view bytes) override;
    std::optional<milliseconds> tick() override;
    void ended() override;

    void send(const smpp::pdu& p) { put(smpp::encode(p).value()); }
    std::uint32_t next_sequence() { return sequence = sequence == 0x7FFFFFFF ? 1 : sequence + 1; }
    bool bound() const { return !account.empty(); }
    bool receives() const { return bound() && as != smpp::command::bind_transmitter; }

    std::shared_ptr<impl> gateway;
    smpp::frame_splitter splitter;
    gateways::wire::keepalive alive;
    std::string account; // empty: not bound
    smpp::command as{};
    std::uint32_t sequence = 0;
    std::int64_t in_flight = 0;
    std::map<std::uint32_t, pending_deliver> unconfirmed; // by our sequence_number
    std::deque<std::function<void()>> held;               // answers that wait until another was given
    bool mute = false;                                    // enquire_link gets no answer
};

struct smpp_simulator::impl : std::enable_shared_from_this<smpp_simulator::impl> {
    using connection_ptr = std::shared_ptr<connection>;

    impl(asio::any_io_executor ex, const clock& c, smpp_simulator_options o, message_log& l, fault_table& f)
        : executor(ex), time(c), options(std::move(o)), log(l), faults(f),
          server(ex, c, [this](tcp::socket s) { return accepted(std::move(s)); }), later(ex, c),
          random(std::random_device{}()) {
        // No id of an earlier run comes again.
        const auto seconds = std::chrono::floor<std::chrono::seconds>(c.now()).time_since_epoch().count();
        last_id = static_cast<std::uint64_t>(seconds) << 20;
    }

    asio::any_io_executor executor;
    const clock& time;
    smpp_simulator_options options;
    message_log& log;
    fault_table& faults;
    pdu_server server;
    schedule later;
    std::mt19937 random;
    std::uint64_t last_id = 0;
    std::optional<std::uint64_t> last_taken; // likewise of a message that was taken
    std::set<connection_ptr> connections;
    std::deque<pending_deliver> homeless; // without a connection to send them on
    std::ofstream acks;
    smpp_simulator_stats stats;

    result<void> listen();
    result<void> restore();
    pdu_server::connection_ptr accepted(tcp::socket socket);

    std::int64_t spread(std::int64_t jitter) {
        return jitter <= 0 ? 0 : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(jitter + 1));
    }
    void handle(const connection_ptr& c, const smpp::pdu& p);
    void unreadable(const connection_ptr& c, std::string_view frame, const failure& why);
    void bind(const connection_ptr& c, std::uint32_t sequence_number, const smpp::bind& b);
    std::uint32_t judge_bind(const connection_ptr& c, const smpp::bind& b) const;
    void submit(const connection_ptr& c, std::uint32_t sequence_number, const smpp::submit_sm& s);
    std::uint32_t judge(const smpp::submit_sm& s) const;
    void answer(const connection_ptr& c, std::uint32_t sequence_number, std::string message_id,
                std::uint32_t command_status, milliseconds delay, const fault_rule& fault);
    static void release(const connection_ptr& c);
    const smpp_account* find_account(std::string_view system_id) const;
    result<void> record(const connection_ptr& c, const smpp::submit_sm& s, const std::string& id);
    void receipt_later(const connection_ptr& c, const smpp::submit_sm& s, const ids& id,
                       const fault_rule& fault, milliseconds response_delay);
    void deliver(const std::weak_ptr<connection>& wanted, pending_deliver d);
    void confirmed(const connection_ptr& c, std::uint32_t sequence_number, std::uint32_t command_status);
    void send_unconfirmed(const connection_ptr& c);
    void send_homeless(const std::string& account);
};

// ---- listening

result<void> smpp_simulator::impl::listen() {
    const auto bound = server.listen(options.host, options.port, "simulator.smpp_port");
    return bound ? restore() : bound;
}

// An SMSC does not forget, when it restarts, what it took and has not yet reported.
result<void> smpp_simulator::impl::restore() {
    if (options.acks_file.empty()) return {};
    std::set<std::string> reported;
    std::ifstream in(options.acks_file);
    for (std::string line; std::getline(in, line);) reported.insert(line);
    for (const auto& m : log.all()) {
        if (m.channel != "sms" || m.more.value("protocol", "") != "smpp" || reported.contains(m.id)) continue;
        pending_deliver d;
        d.account = m.more.value("account", "");
        d.source_addr = m.more.value("src_id", "");
        d.phone = m.to;
        d.recorded = d.receipt.id = m.id;
        d.receipt.stat = "DELIVRD";
        d.receipt.submit_date = gateways::cmpp::report_time(wall_time(milliseconds(m.time_ms)));
        homeless.push_back(std::move(d));
    }
    acks.open(options.acks_file, std::ios::app);
    if (!acks) return failure{errc::io, "cannot be opened", options.acks_file, "check simulator.record_file"};
    return {};
}

pdu_server::connection_ptr smpp_simulator::impl::accepted(tcp::socket socket) {
    const auto c = std::make_shared<connection>(std::move(socket), shared_from_this());
    connections.insert(c);
    return c;
}

smpp_simulator::connection::connection(tcp::socket s, std::shared_ptr<impl> of)
    : pdu_connection(std::move(s), of->executor), gateway(of),
      alive(of->options.keepalive, of->options.keepalive, of->time.steady_now()) {}

void smpp_simulator::connection::received(std::string_view bytes) {
    alive.heard(gateway->time.steady_now());
    if (!silent()) splitter.feed(bytes);
    while (!closing() && !silent()) {
        const auto frame = splitter.next();
        if (frame && frame->empty()) break;
        const auto p = frame ? smpp::decode(*frame) : result<smpp::pdu>(frame.error());
        if (!p) {
            gateway->unreadable(shared_from_this(), frame ? *frame : std::string_view(), p.error());
            continue;
        }
        gateway->handle(shared_from_this(), *p);
    }
}

std::optional<milliseconds> smpp_simulator::connection::tick() {
    using gateways::wire::keepalive;
    gateway->send_unconfirmed(shared_from_this());
    const auto now = gateway->time.steady_now();
    const auto due = alive.due(now);
    if (due == keepalive::action::give_up) return std::nullopt;
    if (due == keepalive::action::ask && bound()) send({0, next_sequence(), smpp::enquire_link{}});
    return std::min({milliseconds(1000), gateway->options.receipt_again / 2, alive.next() - now});
}

void smpp_simulator::connection::ended() {
    gateway->connections.erase(shared_from_this());
    held.clear(); // they hold the connection
    // What was not confirmed goes out again, on the account's next connection.
    for (auto& [unused, d] : unconfirmed) gateway->homeless.push_back(std::move(d));
    unconfirmed.clear();
    if (bound()) gateway->send_homeless(account);
}

// ---- requests

void smpp_simulator::impl::unreadable(const connection_ptr& c, std::string_view frame, const failure& why) {
    ++stats.garbled;
    log::warn("smpp_simulator_garbled", {{"what", why.text()}});
    c->send({smpp::status::ESME_RINVCMDLEN, frame.empty() ? 0 : smpp::sequence_number_of(frame),
             smpp::generic_nack{}});
    if (frame.empty()) c->close(false); // where the next PDU begins is not known any more
}

void smpp_simulator::impl::handle(const connection_ptr& c, const smpp::pdu& p) {
    const auto sequence = p.sequence_number;
    if (const auto* b = std::get_if<smpp::bind>(&p.body)) return bind(c, sequence, *b);
    if (const auto* s = std::get_if<smpp::submit_sm>(&p.body)) return submit(c, sequence, *s);
    if (std::holds_alternative<smpp::deliver_sm_resp>(p.body))
        return confirmed(c, sequence, p.command_status);
    if (std::holds_alternative<smpp::enquire_link>(p.body)) {
        ++stats.enquire_links;
        if (c->mute) return;
        return c->send({0, sequence, smpp::enquire_link_resp{}});
    }
    if (std::holds_alternative<smpp::unbind>(p.body)) {
        ++stats.unbinds;
        c->send({0, sequence, smpp::unbind_resp{}});
        return c->close(false);
    }
    if (std::holds_alternative<smpp::unbind_resp>(p.body)) return c->close(false);
    const auto* o = std::get_if<smpp::other>(&p.body);
    if (std::holds_alternative<smpp::deliver_sm>(p.body) || (o != nullptr && o->command_id < 0x80000000))
        c->send({smpp::status::ESME_RINVCMDID, sequence, smpp::generic_nack{}});
}

const smpp_account* smpp_simulator::impl::find_account(std::string_view system_id) const {
    const auto found = std::find_if(options.accounts.begin(), options.accounts.end(),
                                    [&](const auto& a) { return a.system_id == system_id; });
    return found == options.accounts.end() ? nullptr : &*found;
}

std::uint32_t smpp_simulator::impl::judge_bind(const connection_ptr& c, const smpp::bind& b) const {
    const auto* account = find_account(b.system_id);
    const auto open = std::count_if(connections.begin(), connections.end(),
                                    [&](const auto& o) { return o->account == b.system_id; });
    if (c->bound()) return smpp::status::ESME_RALYBND;
    if (account == nullptr) return smpp::status::ESME_RINVSYSID;
    if (account->password != b.password) return smpp::status::ESME_RINVPASWD;
    return open >= options.max_connections ? smpp::status::ESME_RBINDFAIL : smpp::status::ESME_ROK;
}

void smpp_simulator::impl::bind(const connection_ptr& c, std::uint32_t sequence_number, const smpp::bind& b) {
    const auto* account = find_account(b.system_id);
    const auto fault = faults
                           .take(
                               "sms", b.system_id,
                               [](const fault_rule& f) {
                                   return f.login_status || !f.writes.empty() || !f.active_test.empty();
                               },
                               account ? account->name : "")
                           .value_or(fault_rule{});
    c->write_as(fault.writes);
    c->mute = fault.active_test == "none";
    const auto status =
        fault.login_status ? static_cast<std::uint32_t>(*fault.login_status) : judge_bind(c, b);
    smpp::bind_resp answer;
    answer.as = static_cast<smpp::command>(static_cast<std::uint32_t>(b.as) | 0x80000000);
    if (status == 0) {
        answer.system_id = "zhida-smsc";
        answer.optional = {
            {smpp::tag::sc_interface_version, std::string(1, static_cast<char>(smpp::interface_version_34))}};
    }
    c->send({status, sequence_number, answer});
    if (status != 0) {
        ++stats.refused_binds;
        if (!c->bound()) c->close(false);
        return;
    }
    ++stats.binds;
    c->account = b.system_id;
    c->as = b.as;
    send_homeless(c->account);
}

std::uint32_t smpp_simulator::impl::judge(const smpp::submit_sm& s) const {
    const bool has_payload = smpp::find(s.optional, smpp::tag::message_payload) != nullptr;
    if (has_payload ? !s.short_message.empty() : s.short_message.size() > most_in_short_message)
        return smpp::status::ESME_RINVMSGLEN;
    if (smpp::message_of(s).empty()) return smpp::status::ESME_RINVMSGLEN;
    if (!mainland_mobile(short_phone(s.destination_addr))) return smpp::status::ESME_RINVDSTADR;
    return smpp::status::ESME_ROK;
}

void smpp_simulator::impl::answer(const connection_ptr& c, std::uint32_t sequence_number,
                                  std::string message_id, std::uint32_t command_status, milliseconds delay,
                                  const fault_rule& fault) {
    const auto give = [c, sequence_number, id = std::move(message_id), command_status, fault] {
        --c->in_flight;
        if (!fault.pdu_before.empty()) c->put(bad_smpp_pdu(fault.pdu_before, c->next_sequence()));
        const auto number =
            fault.response == "wrong_sequence" ? sequence_number ^ 0x40000000U : sequence_number;
        for (int copies = fault.response == "duplicate" ? 2 : 1; copies > 0; --copies)
            c->send({command_status, number, smpp::submit_sm_resp{id, {}}});
    };
    const auto self = shared_from_this();
    later.after(delay, [self, c, give, held = fault.response == "after_next"] {
        if (held) {
            c->held.push_back(give);
            return self->later.after(longest_hold, [c] { release(c); });
        }
        give();
        release(c);
    });
}

void smpp_simulator::impl::release(const connection_ptr& c) {
    std::deque<std::function<void()>> held;
    held.swap(c->held);
    for (const auto& give : held) give();
}

void smpp_simulator::impl::submit(const connection_ptr& c, std::uint32_t sequence_number,
                                  const smpp::submit_sm& s) {
    if (!c->bound() || c->as == smpp::command::bind_receiver)
        return c->send({smpp::status::ESME_RINVBNDSTS, sequence_number, smpp::submit_sm_resp{}});
    ++stats.submits;
    ++c->in_flight;
    stats.most_in_flight = std::max(stats.most_in_flight, c->in_flight);
    const auto* account = find_account(c->account);
    const auto window = account != nullptr && account->window > 0 ? account->window : options.window;
    if (c->in_flight > window) {
        ++stats.window_overruns;
        return answer(c, sequence_number, "", smpp::status::ESME_RTHROTTLED, milliseconds(0), {});
    }
    const auto fault =
        faults
            .take(
                "sms", short_phone(s.destination_addr), [](const fault_rule& f) { return !f.at_login(); },
                account ? account->name : "")
            .value_or(fault_rule{});
    if (fault.black_hole) return c->fall_silent();
    const milliseconds delay(fault.delay_ms + spread(fault.jitter_ms));
    std::uint32_t outcome = fault.result ? static_cast<std::uint32_t>(*fault.result) : judge(s);
    const auto number = fault.response == "same_id" && last_taken ? *last_taken : ++last_id;
    const auto id = written_ids(number, fault.ids);
    if (outcome == 0) {
        if (const auto kept = record(c, s, id.answer); !kept) {
            log::error("smpp_simulator_record_failed", {{"what", kept.error().text()}});
            outcome = smpp::status::ESME_RSYSERR;
        }
    }
    if (outcome != 0) {
        ++stats.rejected;
        return answer(c, sequence_number, "", outcome, delay, fault);
    }
    ++stats.accepted;
    last_taken = number;
    // registered_delivery: 1 always, 2 where it failed.
    const auto asked = s.registered_delivery & 3;
    const bool wanted = asked == 1 || (asked == 2 && fault.stat != "DELIVRD");
    const bool early = fault.report == "early";
    if (wanted && early) receipt_later(c, s, id, fault, milliseconds(0));
    if (fault.disconnect_after > 0 && fault.matched >= fault.disconnect_after) {
        if (wanted && !early) receipt_later(c, s, id, fault, milliseconds(0));
        return c->close(true);
    }
    if (fault.drop_response) {
        ++stats.dropped_responses;
        --c->in_flight; // for the SMSC it is answered
    } else {
        answer(c, sequence_number, id.answer, 0, delay, fault);
    }
    if (wanted && !early) receipt_later(c, s, id, fault, delay);
}

result<void> smpp_simulator::impl::record(const connection_ptr& c, const smpp::submit_sm& s,
                                          const std::string& id) {
    const auto part = read_part(s);
    message m;
    m.time_ms = time.now().time_since_epoch().count();
    m.channel = "sms";
    m.to = short_phone(s.destination_addr);
    m.id = id;
    m.more = {{"text", s.data_coding == smpp::data_coding_ucs2 ? gateways::utf8_of_ucs2(part.body)
                                                               : std::string(part.body)},
              {"src_id", s.source_addr},
              {"account", c->account},
              {"part", part.number},
              {"parts", part.total},
              {"protocol", "smpp"}};
    if (part.ref) m.more["udh_ref"] = *part.ref;
    return log.add(std::move(m));
}

// ---- receipts

void smpp_simulator::impl::receipt_later(const connection_ptr& c, const smpp::submit_sm& s, const ids& id,
                                         const fault_rule& fault, milliseconds response_delay) {
    if (fault.report == "none") return;
    pending_deliver d;
    d.account = c->account;
    d.phone = s.destination_addr;
    d.source_addr = s.source_addr;
    d.form = fault.report;
    d.recorded = id.answer;
    d.receipt.id = id.receipt;
    d.receipt.stat = fault.stat;
    d.receipt.submit_date = gateways::cmpp::report_time(time.now());
    const milliseconds usual =
        fault.report_delay_ms ? milliseconds(*fault.report_delay_ms) : options.receipt_delay;
    const auto delay = fault.report == "early"
                           ? milliseconds(0)
                           : response_delay + usual + milliseconds(spread(fault.report_jitter_ms));
    const auto self = shared_from_this();
    const std::weak_ptr<connection> here = c;
    const auto at = [&](milliseconds after) {
        later.after(after, [self, here, d] { self->deliver(here, d); });
    };
    at(delay);
    if (fault.report == "duplicate") at(delay);
    if (fault.then_stat.empty()) return;
    d.receipt.stat = fault.then_stat;
    d.form = "normal";
    at(delay + std::max(usual, milliseconds(1)));
}

void smpp_simulator::impl::deliver(const std::weak_ptr<connection>& wanted, pending_deliver d) {
    auto c = wanted.lock();
    if (!c || c->closing() || c->account != d.account || !c->receives()) {
        const auto any = std::find_if(connections.begin(), connections.end(), [&](const auto& o) {
            return o->account == d.account && !o->closing() && o->receives();
        });
        if (any == connections.end()) return homeless.push_back(std::move(d));
        c = *any;
    }
    ++d.tries;
    smpp::deliver_sm out;
    out.source_addr = d.phone;
    out.destination_addr = d.source_addr;
    if (d.written.empty()) {
        out.esm_class = smpp::esm_delivery_receipt;
        const bool delivered = d.receipt.stat == "DELIVRD";
        d.receipt.sub = "001";
        d.receipt.dlvrd = delivered ? "001" : "000";
        d.receipt.done_date = gateways::cmpp::report_time(time.now());
        d.receipt.err = delivered ? "000" : "001";
        if (d.form != "tlv_only") out.short_message = smpp::receipt_text(d.receipt);
        if (d.form != "text_only")
            out.optional = {{smpp::tag::receipted_message_id, d.receipt.id + '\0'},
                            {smpp::tag::message_state, std::string(1, state_of(d.receipt.stat))}};
        ++stats.receipts_sent;
    } else {
        out.data_coding = smpp::data_coding_ucs2;
        if (d.written.size() <= most_in_short_message)
            out.short_message = d.written;
        else
            out.optional = {{smpp::tag::message_payload, d.written}};
        ++stats.inbound_sent;
    }
    const auto sequence = c->next_sequence();
    c->send({0, sequence, out});
    d.sent_at = time.steady_now();
    c->unconfirmed.emplace(sequence, std::move(d));
}

void smpp_simulator::impl::confirmed(const connection_ptr& c, std::uint32_t sequence_number,
                                     std::uint32_t command_status) {
    const auto found = c->unconfirmed.find(sequence_number);
    if (found == c->unconfirmed.end() || command_status != 0) return; // refused: sent again in its time
    const bool written = !found->second.written.empty();
    ++(written ? stats.inbound_acked : stats.receipts_acked);
    if (!written && acks.is_open()) acks << found->second.recorded << '\n' << std::flush;
    c->unconfirmed.erase(found);
}

void smpp_simulator::impl::send_unconfirmed(const connection_ptr& c) {
    std::vector<pending_deliver> late;
    for (auto at = c->unconfirmed.begin(); at != c->unconfirmed.end();) {
        if (time.steady_now() < at->second.sent_at + options.receipt_again) {
            ++at;
            continue;
        }
        if (at->second.tries < most_tries) late.push_back(std::move(at->second));
        at = c->unconfirmed.erase(at);
    }
    for (auto& d : late) deliver(c, std::move(d));
}

void smpp_simulator::impl::send_homeless(const std::string& account) {
    std::deque<pending_deliver> waiting;
    waiting.swap(homeless);
    for (auto& d : waiting) {
        if (d.tries >= most_tries) continue;
        if (d.account == account)
            deliver({}, std::move(d));
        else
            homeless.push_back(std::move(d));
    }
}

// ---- outside

json to_json(const smpp_simulator_stats& s) {
    return {{"connections", s.connections},
            {"binds", s.binds},
            {"refused_binds", s.refused_binds},
            {"submits", s.submits},
            {"accepted", s.accepted},
            {"rejected", s.rejected},
            {"window_overruns", s.window_overruns},
            {"dropped_responses", s.dropped_responses},
            {"receipts_sent", s.receipts_sent},
            {"receipts_acked", s.receipts_acked},
            {"receipts_waiting", s.receipts_waiting},
            {"inbound_sent", s.inbound_sent},
            {"inbound_acked", s.inbound_acked},
            {"enquire_links", s.enquire_links},
            {"unbinds", s.unbinds},
            {"garbled", s.garbled},
            {"most_in_flight", s.most_in_flight}};
}

smpp_simulator::smpp_simulator(asio::any_io_executor executor, const clock& time,
                               smpp_simulator_options options, message_log& log, fault_table& faults)
    : impl_(std::make_shared<impl>(executor, time, std::move(options), log, faults)) {}
smpp_simulator::~smpp_simulator() = default;

result<void> smpp_simulator::listen() {
    return impl_->listen();
}
std::uint16_t smpp_simulator::port() const noexcept {
    return impl_->server.port();
}

asio::awaitable<void> smpp_simulator::run() {
    const auto self = impl_;
    co_await (self->server.run() && self->later.run());
}

void smpp_simulator::stop() {
    impl_->server.stop();
    impl_->later.stop();
    disconnect_all();
}

smpp_simulator_stats smpp_simulator::stats() const {
    auto s = impl_->stats;
    s.connections = static_cast<std::int64_t>(impl_->connections.size());
    s.receipts_waiting = static_cast<std::int64_t>(impl_->homeless.size());
    for (const auto& c : impl_->connections)
        s.receipts_waiting += static_cast<std::int64_t>(c->unconfirmed.size());
    return s;
}

result<void> smpp_simulator::write_back(const inbound_message& m) {
    const auto& all = impl_->options.accounts;
    const auto* account = !m.account.empty() ? impl_->find_account(m.account)
                          : all.empty()      ? nullptr
                                             : &all.front();
    if (account == nullptr)
        return failure{errc::invalid, "there is no such account: " + m.account, "account", ""};
    if (!m.formats.empty() || m.ref || m.wide_ref || !m.order.empty())
        return failure{errc::invalid, "formats, ref, wide_ref and order are of parts; by SMPP there is one",
                       "", "leave them out, or use CMPP"};
    const auto parts = gateways::segment_sms(m.text, 0);
    if (!parts) return parts.error();
    if (!mainland_mobile(m.phone))
        return failure{errc::invalid, "not a number of eleven digits", "phone", ""};
    pending_deliver d;
    d.account = account->system_id;
    d.source_addr = m.to.empty() ? account->src_id : m.to;
    d.phone = m.phone;
    for (const auto& part : *parts) d.written += part.content.substr(part.udhi ? 6 : 0);
    impl_->deliver({}, std::move(d));
    return {};
}

void smpp_simulator::unbind_all() {
    for (const auto& c : impl_->connections)
        if (c->bound()) c->send({0, c->next_sequence(), smpp::unbind{}});
}
void smpp_simulator::disconnect_all() {
    for (const auto& c : std::set<impl::connection_ptr>(impl_->connections)) c->close(true);
}
void smpp_simulator::send_bad(std::string_view name) {
    for (const auto& c : impl_->connections)
        if (c->bound()) c->put(bad_smpp_pdu(name, c->next_sequence()));
}
void smpp_simulator::ask_all() {
    for (const auto& c : impl_->connections)
        if (c->bound()) c->send({0, c->next_sequence(), smpp::enquire_link{}});
}

} // namespace zhida::simulator
