#include "tests/bench/support/cmpp_sink.hpp"

#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/cmpp_codec.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <deque>
#include <stdexcept>
#include <thread>
#include <vector>

namespace zhida::bench {

namespace {

namespace cmpp = gateways::cmpp;

constexpr std::size_t read_bytes = 256 << 10;
constexpr std::size_t most_unread = 8 << 20; // answers that the client does not read: then we read no more

std::uint32_t u32_at(const char* p) noexcept {
    std::uint32_t v = 0;
    std::memcpy(&v, p, 4);
    return ::ntohl(v);
}
void put_u32(char* p, std::uint32_t v) noexcept {
    v = ::htonl(v);
    std::memcpy(p, &v, 4);
}
void put_u64(char* p, std::uint64_t v) noexcept {
    put_u32(p, static_cast<std::uint32_t>(v >> 32));
    put_u32(p + 4, static_cast<std::uint32_t>(v));
}

std::int64_t clock_ns(clockid_t which) noexcept {
    timespec t{};
    ::clock_gettime(which, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

std::uint64_t mixed(std::uint64_t h, std::uint64_t v) noexcept {
    h = (h ^ v) * 0x9E3779B97F4A7C15U;
    return h ^ h >> 29;
}
std::uint64_t hash_of(std::uint64_t seed, const char* bytes, std::size_t size) noexcept {
    std::uint64_t h = mixed(seed, size), word = 0;
    for (; size >= 8; bytes += 8, size -= 8) {
        std::memcpy(&word, bytes, 8);
        h = mixed(h, word);
    }
    word = 0;
    std::memcpy(&word, bytes, size);
    return mixed(h, word);
}

// Which messages came before: open addressing, at most half full. 64 bits of hash stand for a message: two of
// a million meet once in ten million runs.
class seen_before {
  public:
    explicit seen_before(std::size_t expected) {
        while (slots_.size() < expected * 2) slots_.resize(slots_.empty() ? 1024 : slots_.size() * 2);
    }
    // False: it was there.
    bool add(std::uint64_t key) {
        if (key == 0) key = 1;
        if (used_ * 2 >= slots_.size()) grow();
        auto& slot = slot_of(key);
        if (slot == key) return false;
        slot = key;
        ++used_;
        return true;
    }

  private:
    std::uint64_t& slot_of(std::uint64_t key) {
        auto i = key & (slots_.size() - 1);
        while (slots_[i] != 0 && slots_[i] != key) i = (i + 1) & (slots_.size() - 1);
        return slots_[i];
    }
    void grow() {
        std::vector<std::uint64_t> old(slots_.size() * 2);
        old.swap(slots_);
        for (const auto key : old)
            if (key != 0) slot_of(key) = key;
    }
    std::vector<std::uint64_t> slots_;
    std::size_t used_ = 0;
};

// Where a layout has what the sink looks at or fills in.
struct places {
    std::size_t terminal, fee_end, destinations, content;
    explicit places(cmpp::version v)
        : terminal(v == cmpp::version::v30 ? 32 : 21), fee_end(v == cmpp::version::v30 ? 1 : 0),
          destinations(cmpp::header_size + 117 - 21 + terminal + fee_end - 1),
          content(destinations + 1 + terminal + fee_end) {}
};

struct report_due {
    std::int64_t at_ns = 0;
    std::uint64_t Msg_Id = 0;
    char phone[24] = {};
};

struct connection {
    int fd = -1;
    bool up = false, over = false;
    cmpp::version layout = cmpp::version::v30;
    std::vector<char> in = std::vector<char>(read_bytes);
    std::size_t got = 0;
    std::string out;
    std::size_t written = 0;
    std::string report; // a whole DELIVER, for its numbers to be filled in
    std::uint32_t sequence = 1;
    std::deque<report_due> due; // in the order of their times: the delay is the same for all
};

} // namespace

struct cmpp_sink::impl {
    explicit impl(cmpp_sink_options o) : options(std::move(o)), seen(options.expected) {
        listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (listener < 0 || ::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener, 16) != 0 ||
            ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("the sink cannot listen");
        bound = ::ntohs(address.sin_port);
        stop_fd = ::eventfd(0, EFD_CLOEXEC);
        thread = std::thread([this] { run(); });
    }
    ~impl() {
        const std::uint64_t one = 1;
        if (::write(stop_fd, &one, sizeof one) != sizeof one) std::abort();
        thread.join();
        for (auto& c : connections) ::close(c.fd);
        ::close(listener);
        ::close(stop_fd);
    }

    cmpp_sink_options options;
    seen_before seen;
    int listener = -1, stop_fd = -1;
    std::uint16_t bound = 0;
    std::deque<connection> connections;
    std::uint64_t next_id = 1;
    cmpp_sink_counts now; // the thread's own
    std::atomic<std::int64_t> logins{0}, refused{0}, submits{0}, repeated{0}, reports_sent{0},
        reports_acked{0}, garbled{0}, cpu_ns{0};
    std::thread thread;

    void run();
    void publish();
    void accept_one();
    void read(connection& c);
    std::size_t take(connection& c, const char* frame, std::size_t left);
    void login(connection& c, std::string_view frame);
    void take_submit(connection& c, const char* frame, std::size_t size);
    void send_reports(connection& c);
    void write(connection& c);
};

void cmpp_sink::impl::publish() {
    constexpr auto order = std::memory_order_relaxed;
    cpu_ns.store(clock_ns(CLOCK_THREAD_CPUTIME_ID), order);
    logins.store(now.logins, order);
    refused.store(now.refused, order);
    repeated.store(now.repeated, order);
    reports_sent.store(now.reports_sent, order);
    reports_acked.store(now.reports_acked, order);
    garbled.store(now.garbled, order);
    submits.store(now.submits, std::memory_order_release);
}

void cmpp_sink::impl::run() {
    std::vector<pollfd> fds;
    for (;;) {
        fds = {{stop_fd, POLLIN, 0}, {listener, POLLIN, 0}};
        int wait_ms = 1000;
        for (const auto& c : connections) {
            const bool room = c.out.size() - c.written < most_unread;
            const bool more = c.written < c.out.size();
            fds.push_back({c.fd, static_cast<short>((room ? POLLIN : 0) | (more ? POLLOUT : 0)), 0});
            if (c.due.empty() || !room) continue;
            const auto left = c.due.front().at_ns - clock_ns(CLOCK_MONOTONIC);
            wait_ms = std::min(wait_ms, left <= 0 ? 0 : static_cast<int>(left / 1'000'000) + 1);
        }
        if (::poll(fds.data(), fds.size(), wait_ms) < 0 && errno != EINTR) return;
        if (fds[0].revents != 0) return;
        for (std::size_t i = 0; i < connections.size(); ++i) {
            auto& c = connections[i];
            if (fds[i + 2].revents & (POLLIN | POLLHUP | POLLERR)) read(c);
            send_reports(c);
            write(c);
        }
        if (fds[1].revents != 0) accept_one();
        for (auto& c : connections)
            if (c.over) ::close(std::exchange(c.fd, -1));
        std::erase_if(connections, [](const auto& c) { return c.over; });
        publish();
    }
}

void cmpp_sink::impl::accept_one() {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connections.emplace_back().fd = fd;
}

void cmpp_sink::impl::read(connection& c) {
    const auto count = ::recv(c.fd, c.in.data() + c.got, c.in.size() - c.got, 0);
    if (count <= 0) {
        c.over = count == 0 || (errno != EAGAIN && errno != EINTR);
        return;
    }
    c.got += static_cast<std::size_t>(count);
    std::size_t at = 0;
    while (!c.over) {
        const auto size = take(c, c.in.data() + at, c.got - at);
        if (size == 0) break;
        at += size;
    }
    std::memmove(c.in.data(), c.in.data() + at, c.got - at);
    c.got -= at;
}

// Bytes of the frame that was there; 0: not yet all of it.
std::size_t cmpp_sink::impl::take(connection& c, const char* frame, std::size_t left) {
    if (left < cmpp::header_size) return 0;
    const std::size_t size = u32_at(frame);
    if (size < cmpp::header_size || size > cmpp::max_total_length) {
        ++now.garbled;
        c.over = true;
        return 0;
    }
    if (left < size) return 0;
    const auto answer = [&](const cmpp::pdu& p) { c.out += cmpp::encode(p).value(); };
    const auto Sequence_Id = u32_at(frame + 8);
    if (c.up && !options.answers) return size;
    switch (static_cast<cmpp::command>(u32_at(frame + 4))) {
    case cmpp::command::submit:
        if (c.up) take_submit(c, frame, size);
        break;
    case cmpp::command::deliver_resp:
        ++now.reports_acked;
        break;
    case cmpp::command::connect:
        login(c, {frame, size});
        break;
    case cmpp::command::active_test:
        answer({Sequence_Id, c.layout, cmpp::active_test_resp{}});
        break;
    case cmpp::command::terminate:
        answer({Sequence_Id, c.layout, cmpp::terminate_resp{}});
        break;
    default:
        break;
    }
    return size;
}

void cmpp_sink::impl::login(connection& c, std::string_view frame) {
    const auto p = cmpp::decode(frame, cmpp::version::v30);
    const auto* asked = p ? std::get_if<cmpp::connect>(&p->body) : nullptr;
    if (!asked) {
        c.over = true;
        return;
    }
    c.layout = p->layout;
    const auto expected = cmpp::authenticator_source(options.source_addr, options.secret, asked->Timestamp);
    c.up = asked->Source_Addr == options.source_addr && asked->AuthenticatorSource == expected;
    ++(c.up ? now.logins : now.refused);
    cmpp::connect_resp r;
    r.Status = c.up ? 0 : 3;
    r.Version = asked->Version;
    r.AuthenticatorISMG =
        cmpp::authenticator_ismg(r.Status, c.layout, asked->AuthenticatorSource, options.secret);
    c.out += cmpp::encode({p->Sequence_Id, c.layout, r}).value();

    cmpp::deliver d;
    d.Dest_Id = "10690000";
    d.Registered_Delivery = 1;
    const auto at = cmpp::report_time(wall_time(milliseconds(clock_ns(CLOCK_REALTIME) / 1'000'000)));
    d.Msg_Content = cmpp::encode_report({0, "DELIVRD", at, at, "", 0}, c.layout).value();
    c.report = cmpp::encode({0, c.layout, d}).value();
}

void cmpp_sink::impl::take_submit(connection& c, const char* frame, std::size_t size) {
    const places at(c.layout);
    if (size <= at.content || frame[at.destinations] != 1 ||
        size < at.content + 1 + static_cast<unsigned char>(frame[at.content])) {
        ++now.garbled;
        return;
    }
    ++now.submits;
    const char* phone = frame + at.destinations + 1;
    const char* text = frame + at.content + 1;
    std::size_t length = static_cast<unsigned char>(frame[at.content]);
    const auto part = static_cast<unsigned char>(frame[cmpp::header_size + 9]); // Pk_number
    if (frame[cmpp::header_size + 8] > 1 && length > 6) { // the header of a part names this very message
        text += 6;
        length -= 6;
    }
    if (!seen.add(hash_of(hash_of(part, phone, at.terminal), text, length))) ++now.repeated;

    const auto Msg_Id = next_id++;
    const std::uint32_t total = c.layout == cmpp::version::v30 ? 24 : 21;
    char answer[24] = {};
    put_u32(answer, total);
    put_u32(answer + 4, static_cast<std::uint32_t>(cmpp::command::submit_resp));
    std::memcpy(answer + 8, frame + 8, 4);
    put_u64(answer + 12, Msg_Id);
    c.out.append(answer, total);
    if (!options.receipts) return;
    auto& due = c.due.emplace_back();
    due.at_ns = clock_ns(CLOCK_MONOTONIC) + options.receipt_delay_ms * 1'000'000;
    due.Msg_Id = Msg_Id;
    std::memcpy(due.phone, phone, std::min(at.terminal, sizeof due.phone));
}

void cmpp_sink::impl::send_reports(connection& c) {
    if (c.due.empty()) return;
    const places at(c.layout);
    const std::size_t content = c.report.size() - (c.layout == cmpp::version::v30 ? 20 + 71 : 8 + 60);
    const auto time = clock_ns(CLOCK_MONOTONIC);
    while (!c.due.empty() && c.due.front().at_ns <= time && c.out.size() - c.written < most_unread) {
        const auto& r = c.due.front();
        put_u32(c.report.data() + 8, c.sequence++);
        put_u64(c.report.data() + 12, r.Msg_Id | std::uint64_t{1} << 63); // the DELIVER's own
        put_u64(c.report.data() + content, r.Msg_Id);
        std::memcpy(c.report.data() + content + 35, r.phone, std::min(at.terminal, sizeof r.phone));
        c.out += c.report;
        c.due.pop_front();
        ++now.reports_sent;
    }
}

void cmpp_sink::impl::write(connection& c) {
    if (c.written == c.out.size() || c.over) return;
    const auto count = ::send(c.fd, c.out.data() + c.written, c.out.size() - c.written, MSG_NOSIGNAL);
    if (count < 0) {
        c.over = errno != EAGAIN && errno != EINTR;
        return;
    }
    c.written += static_cast<std::size_t>(count);
    if (c.written < c.out.size() && c.written < most_unread) return;
    c.out.erase(0, c.written);
    c.written = 0;
}

cmpp_sink::cmpp_sink(cmpp_sink_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
cmpp_sink::~cmpp_sink() = default;
std::uint16_t cmpp_sink::port() const noexcept {
    return impl_->bound;
}
cmpp_sink_counts cmpp_sink::counts() const noexcept {
    const auto& s = *impl_;
    cmpp_sink_counts c;
    c.submits = s.submits.load(std::memory_order_acquire); // first: the others are no older
    c.logins = s.logins;
    c.refused = s.refused;
    c.repeated = s.repeated;
    c.reports_sent = s.reports_sent;
    c.reports_acked = s.reports_acked;
    c.garbled = s.garbled;
    c.cpu_s = static_cast<double>(s.cpu_ns) / 1e9;
    return c;
}

} // namespace zhida::bench
