#include "services/simulator/wechat_push.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/io/http_client.hpp"
#include "common/io/spawn.hpp"
#include "services/gateways/wake_up.hpp"
#include "services/gateways/wechat_crypto.hpp"
#include "services/simulator/wechat_event_xml.hpp"

#include <pugixml.hpp>

#include <deque>
#include <optional>

namespace zhida::simulator {

namespace {

// Requests that somebody waits for find a connection while all others are busy.
constexpr std::size_t spare_connections = 16;

struct event {
    std::string openid, xml;
    int tries = 0;
};

std::string query_part(const char* name, std::string_view value) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out = std::string(name) + "=";
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '_' || c == '.')
            out += c;
        else
            out.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return out;
}

} // namespace

struct wechat_push::impl : std::enable_shared_from_this<wechat_push::impl> {
    impl(asio::any_io_executor ex, const clock& c, wechat_push_options o)
        : executor(ex), time(c), options(std::move(o)), changed(ex), ended(ex) {
        if (options.aes_key.empty()) return;
        if (auto made = gateways::callback_cipher::of(options.aes_key, options.receive_id))
            cipher.emplace(std::move(*made));
        else
            fault = made.error();
    }

    asio::any_io_executor executor;
    const clock& time;
    wechat_push_options options;
    std::optional<gateways::callback_cipher> cipher;
    std::optional<failure> fault;
    gateways::wake_up changed, ended;
    std::deque<event> waiting;
    std::shared_ptr<io::http_client> client; // null: nobody wants events
    std::size_t running = 0;
    bool stopping = false;
    receipt_push_stats counters;

    std::string signed_query(const std::string& timestamp, const std::string& nonce) const {
        return "?" +
               query_part("signature", gateways::callback_signature({options.token, timestamp, nonce})) +
               "&" + query_part("timestamp", timestamp) + "&" + query_part("nonce", nonce);
    }
    std::string timestamp() const {
        return std::to_string(
            std::chrono::floor<std::chrono::seconds>(time.now()).time_since_epoch().count());
    }
    static std::string nonce() { return "1" + digits(9); }
    static std::string digits(std::size_t count) {
        auto out = crypto::random_bytes(count);
        for (auto& c : out) c = static_cast<char>('0' + static_cast<unsigned char>(c) % 10);
        return out;
    }
    // Says in `out` what the answer means.
    void judge(const result<io::http_reply>& reply, wechat_push_outcome& out) const;
    std::string open_answer(const pugi::xml_node& xml, std::string& clear) const;
    static asio::awaitable<void> attempt(std::shared_ptr<impl> self, const event* e,
                                         wechat_push_outcome* out);
    static asio::awaitable<wechat_push_outcome> deliver(std::shared_ptr<impl> self, event e);
    static asio::awaitable<void> deliver_one(std::shared_ptr<impl> self, event e);
    static asio::awaitable<void> pause(std::shared_ptr<impl> self, milliseconds duration);
    static asio::awaitable<void> run(std::shared_ptr<impl> self);
};

// A passive reply in safe mode; what is wrong with it, empty where nothing is.
std::string wechat_push::impl::open_answer(const pugi::xml_node& xml, std::string& clear) const {
    const std::string encrypted = xml.child_value("Encrypt"), sign = xml.child_value("MsgSignature"),
                      at = xml.child_value("TimeStamp"), once = xml.child_value("Nonce");
    if (encrypted.empty()) return "the answer is not encrypted";
    if (gateways::callback_signature({options.token, at, once, encrypted}) != sign)
        return "MsgSignature of the answer is wrong";
    auto opened = cipher->open(encrypted);
    if (!opened) return "the answer cannot be decrypted";
    clear = std::move(*opened);
    return "";
}

void wechat_push::impl::judge(const result<io::http_reply>& reply, wechat_push_outcome& out) const {
    out.status = reply ? reply->status : 0;
    out.body = reply ? reply->body : "";
    out.fault = !reply                 ? "no answer in time: " + reply.error().what
                : reply->status != 200 ? "the status is " + std::to_string(reply->status)
                                       : "";
    if (!out.fault.empty()) return;
    out.taken = out.body.empty() || out.body == "success";
    if (out.taken) return;
    pugi::xml_document document;
    if (!document.load_string(out.body.c_str()) || !document.child("xml")) {
        out.fault = "neither success nor a passive reply";
        return;
    }
    if (cipher) {
        out.fault = open_answer(document.child("xml"), out.body);
        if (!out.fault.empty()) return;
        document.load_string(out.body.c_str());
    }
    const auto xml = document.child("xml");
    out.taken = *xml.child_value("ToUserName") && *xml.child_value("FromUserName") &&
                *xml.child_value("CreateTime") && *xml.child_value("MsgType");
    if (!out.taken) out.fault = "the passive reply lacks ToUserName, FromUserName, CreateTime or MsgType";
}

asio::awaitable<void> wechat_push::impl::attempt(std::shared_ptr<impl> self, const event* e,
                                                 wechat_push_outcome* out) {
    const auto client = self->client; // another address may be set meanwhile
    out->tries = e->tries;
    if (!client) {
        out->fault = "there is nowhere to push to";
        co_return;
    }
    const auto at = self->timestamp(), once = nonce();
    auto target = self->options.path + self->signed_query(at, once) + "&" + query_part("openid", e->openid);
    std::string body = e->xml;
    if (self->cipher) {
        const auto encrypted = self->cipher->seal(e->xml, crypto::random_bytes(16));
        target += "&encrypt_type=aes&" +
                  query_part("msg_signature",
                             gateways::callback_signature({self->options.token, at, once, encrypted}));
        body = encrypted_xml(self->options.account, encrypted);
    }
    ++self->counters.requests;
    const auto reply =
        co_await client->request("POST", std::move(target), {{"content-type", "text/xml"}}, std::move(body));
    self->judge(reply, *out);
    if (out->taken)
        ++self->counters.taken;
    else
        ++self->counters.refused;
}

asio::awaitable<void> wechat_push::impl::pause(std::shared_ptr<impl> self, milliseconds duration) {
    gateways::wake_up nobody(self->executor);
    const auto until = self->time.steady_now() + duration;
    while (!self->stopping && self->time.steady_now() < until)
        co_await nobody.wait_at_most(self->time, std::min(milliseconds(50), until - self->time.steady_now()));
}

asio::awaitable<wechat_push_outcome> wechat_push::impl::deliver(std::shared_ptr<impl> self, event e) {
    wechat_push_outcome out;
    while (!self->stopping) {
        ++e.tries;
        out = {};
        co_await attempt(self, &e, &out);
        if (out.taken || !self->client) break;
        if (e.tries >= self->options.tries) {
            ++self->counters.given_up;
            log::warn("simulator_event_given_up", {{"path", self->options.path}, {"why", out.fault}});
            break;
        }
        co_await pause(self, self->options.pause);
    }
    co_return out;
}

asio::awaitable<void> wechat_push::impl::deliver_one(std::shared_ptr<impl> self, event e) {
    co_await deliver(self, std::move(e));
    --self->running;
    self->changed.notify();
    self->ended.notify();
}

asio::awaitable<void> wechat_push::impl::run(std::shared_ptr<impl> self) {
    while (!self->stopping) {
        if (self->waiting.empty() || self->running >= self->options.at_once) {
            co_await self->changed.wait();
            continue;
        }
        auto next = std::move(self->waiting.front());
        self->waiting.pop_front();
        ++self->running;
        io::spawn(self->executor, deliver_one(self, std::move(next)));
    }
    while (self->running > 0) co_await self->ended.wait();
}

wechat_push::wechat_push(asio::any_io_executor executor, const clock& time, wechat_push_options options)
    : impl_(std::make_shared<impl>(executor, time, std::move(options))) {}
wechat_push::~wechat_push() = default;

result<void> wechat_push::check() const {
    if (impl_->fault) return *impl_->fault;
    return {};
}
void wechat_push::set_base(const std::string& base) {
    impl_->client = nullptr;
    if (base.empty() || impl_->options.token.empty()) return;
    io::http_client_options o;
    o.base_url = base;
    o.timeout = impl_->options.timeout;
    o.connections = impl_->options.at_once + spare_connections;
    impl_->client = std::make_shared<io::http_client>(impl_->executor, o);
}
bool wechat_push::wanted() const noexcept {
    return impl_->client != nullptr;
}
void wechat_push::put(std::string openid, std::string xml) {
    if (!wanted()) return;
    impl_->waiting.push_back({std::move(openid), std::move(xml)});
    impl_->changed.notify();
}
asio::awaitable<wechat_push_outcome> wechat_push::deliver(std::string openid, std::string xml) {
    return impl::deliver(impl_, {std::move(openid), std::move(xml)});
}
asio::awaitable<wechat_push_outcome> wechat_push::verify() {
    const auto self = impl_;
    wechat_push_outcome out;
    const auto client = self->client;
    if (!client) {
        out.fault = "there is nowhere to push to";
        co_return out;
    }
    const auto echo = impl::digits(19);
    auto target = self->options.path + self->signed_query(self->timestamp(), impl::nonce()) + "&" +
                  query_part("echostr", echo);
    const auto reply = co_await client->request("GET", std::move(target), {}, "");
    out.tries = 1;
    out.status = reply ? reply->status : 0;
    out.body = reply ? reply->body : "";
    out.taken = out.status == 200 && out.body == echo;
    if (!out.taken) out.fault = reply ? "the answer is not echostr" : reply.error().what;
    co_return out;
}
asio::awaitable<void> wechat_push::run() {
    return impl::run(impl_);
}
void wechat_push::stop() {
    impl_->stopping = true;
    if (impl_->client) impl_->client->close();
    impl_->changed.notify();
}
receipt_push_stats wechat_push::stats() const {
    auto s = impl_->counters;
    s.waiting = static_cast<std::int64_t>(impl_->waiting.size());
    return s;
}

} // namespace zhida::simulator
