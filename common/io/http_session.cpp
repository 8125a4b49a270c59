#include "common/io/http_session.hpp"
#include "common/io/http_decode.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace zhida::io {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

using header_parser = http::request_parser<http::string_body>;

// Copies what Beast parsed; says what is wrong with it by RFC 9110 and 9112, empty where nothing is.
std::string take_head(const header_parser& parser, http_request& out) {
    const auto& in = parser.get();
    out.method = std::string(in.method_string());
    for (const auto& field : in) {
        const auto name = lower(field.name_string());
        if (name == "host" && out.headers.contains(name)) return "more than one Host header";
        auto& value = out.headers[name];
        if (!value.empty()) value += name == "cookie" ? "; " : ", ";
        value += field.value();
    }
    if (in.version() == 11 && !out.headers.contains("host")) return "the Host header is missing";
    // Anything but plain "chunked" would leave the length of the body to guesses.
    if (const auto te = out.header("transfer-encoding"); !te.empty() && lower(te) != "chunked")
        return "only Transfer-Encoding: chunked is understood";
    auto target = decode_target(in.target());
    if (!target) return "the request target is not understood";
    out.target = std::string(in.target());
    out.path = std::move(target->path);
    out.query = std::move(target->query);
    out.cookies = decode_cookies(out.header("cookie"));
    return "";
}

// Collects the whole head in the buffer: 0, a status to answer with, or -1 to close without a word.
asio::awaitable<int> read_head(std::shared_ptr<http_shared> self, std::shared_ptr<http_session> s,
                               std::size_t* length) {
    bool idle_deadline_set = false, deadline_set = false;
    std::size_t searched = 0;
    while (true) {
        // Empty lines before a request are left out (RFC 9112 2.2).
        while (s->buffer.size() >= 2) {
            const auto* at = static_cast<const char*>(s->buffer.data().data());
            if (at[0] != '\r' || at[1] != '\n') break;
            s->buffer.consume(2);
            searched = 0;
        }
        const std::string_view bytes(static_cast<const char*>(s->buffer.data().data()), s->buffer.size());
        const auto from = searched > 3 ? searched - 3 : 0;
        if (const auto end = bytes.find("\r\n\r\n", from); end != std::string_view::npos) {
            *length = end + 4;
            co_return *length > self->options.max_header_bytes ? 431 : 0;
        }
        // Lines that end in a bare LF would otherwise wait for the deadline.
        if (bytes.find("\n\n", from) != std::string_view::npos) co_return 400;
        searched = bytes.size();
        if (searched > self->options.max_header_bytes) co_return 431;

        s->idle = searched == 0;
        // Deadlines, counted from these calls: each is set once, so that a byte now and then does not move
        // it.
        if (s->idle && !idle_deadline_set) {
            s->stream.expires_after(self->options.idle_timeout);
            idle_deadline_set = true;
        } else if (!s->idle && !deadline_set) {
            s->stream.expires_after(self->options.header_timeout);
            deadline_set = true;
        }
        error_code ec;
        const auto space = s->buffer.prepare(4096);
        const auto count = co_await s->stream.async_read_some(space, into(ec));
        s->idle = false;
        if (ec || (self->stopping && searched == 0)) co_return -1;
        s->buffer.commit(count);
    }
}

} // namespace

asio::awaitable<http_reading> read_http_request(std::shared_ptr<http_shared> self,
                                                std::shared_ptr<http_session> s) {
    http_reading out;
    std::size_t length = 0;
    out.fault = co_await read_head(self, s, &length);
    if (out.fault) {
        if (out.fault == 431)
            out.detail =
                "the head is larger than " + std::to_string(self->options.max_header_bytes) + " bytes";
        if (out.fault == 400) out.detail = "a line does not end with CR LF";
        co_return out;
    }
    const std::string_view head(static_cast<const char*>(s->buffer.data().data()), length);
    const auto refuse = [&out](int status, std::string detail) {
        out.fault = status;
        out.detail = std::move(detail);
    };
    if (auto fault = head_fault(head); !fault.empty()) {
        refuse(400, std::move(fault));
        co_return out;
    }
    header_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(self->options.max_header_bytes));
    parser.body_limit(self->options.max_body_bytes);
    error_code ec;
    const auto used = parser.put(s->buffer.data(), ec);
    s->buffer.consume(used);
    if (ec == http::error::body_limit) {
        refuse(413, "the body is larger than " + std::to_string(self->options.max_body_bytes) + " bytes");
        co_return out;
    }
    if (ec) {
        refuse(400, "not a valid HTTP/1.1 request: " + ec.message());
        co_return out;
    }
    if (auto fault = take_head(parser, out.request); !fault.empty()) {
        refuse(400, std::move(fault));
        co_return out;
    }
    out.version = parser.get().version();
    out.keep_alive = parser.keep_alive();
    out.request.remote = s->remote;

    if (const auto expect = lower(out.request.header("expect")); !expect.empty() && out.version == 11) {
        if (expect != "100-continue") {
            refuse(417, "only Expect: 100-continue is understood");
            co_return out;
        }
        // The body has not been sent yet: where nobody wants it, say so before it is.
        if (const auto found = self->router.find(out.request.method, out.request.path); !found.handler) {
            refuse(found.status, "");
            co_return out;
        }
        if (!parser.is_done() && s->buffer.size() == 0) {
            s->stream.expires_after(self->options.write_timeout);
            const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(s->stream, asio::buffer(go_on), into(ec));
        }
    }
    if (!parser.is_done()) {
        s->stream.expires_after(self->options.body_timeout); // once, as above
        co_await http::async_read(s->stream, s->buffer, parser, into(ec));
        if (ec == http::error::body_limit) {
            refuse(413, "the body is larger than " + std::to_string(self->options.max_body_bytes) + " bytes");
        } else if (ec == http::error::end_of_stream || ec == http::error::partial_message ||
                   ec == beast::error::timeout || ec == asio::error::connection_reset ||
                   ec == asio::error::operation_aborted) {
            out.fault = -1;
        } else if (ec) {
            refuse(400, "the body cannot be read: " + ec.message());
        }
        if (out.fault) co_return out;
    }
    s->stream.expires_never();
    out.request.body = std::move(parser.get().body());
    co_return out;
}

} // namespace zhida::io
