#include "common/io/redis.hpp"

#include "common/io/redis_connection.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>

namespace zhida::io {

std::int64_t redis_reply::number() const noexcept {
    auto n = integer;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

namespace {

std::string sha1_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no SHA-1, by which Redis names scripts");
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        constexpr char digits[] = "0123456789abcdef";
        out += digits[digest[i] >> 4];
        out += digits[digest[i] & 15];
    }
    return out;
}

redis_args eval_args(const char* verb, const std::string& script, const std::vector<std::string>& keys,
                     const redis_args& args) {
    redis_args all;
    all.reserve(3 + keys.size() + args.size());
    all.push_back(verb);
    all.push_back(script);
    all.push_back(std::to_string(keys.size()));
    all.insert(all.end(), keys.begin(), keys.end());
    all.insert(all.end(), args.begin(), args.end());
    return all;
}

// An error reply becomes a failure; `verb` only, because arguments may be personal.
result<redis_reply> checked(result<std::vector<redis_reply>> answers, const std::string& where,
                            const std::string& verb) {
    if (!answers) return answers.error();
    auto reply = std::move(answers->front());
    if (reply.type == redis_reply::kind::error)
        return failure{errc::refused, std::move(reply.text), where + " " + verb, ""};
    return reply;
}

} // namespace

lua_script::lua_script(std::string_view source) : source_(source), sha1_(sha1_hex(source)) {}

redis::redis(asio::any_io_executor executor, redis_options options)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options))) {}

redis::~redis() {
    close();
}

redis::redis(redis&&) noexcept = default;

redis& redis::operator=(redis&& other) noexcept {
    if (this != &other) {
        close();
        impl_ = std::move(other.impl_);
    }
    return *this;
}

void redis::close() {
    if (impl_) impl_->close();
}

asio::awaitable<result<redis_reply>> redis::command(redis_args args) {
    co_return co_await command_waiting(std::move(args), std::chrono::milliseconds(0));
}

asio::awaitable<result<redis_reply>> redis::command_waiting(redis_args args, std::chrono::milliseconds wait) {
    const auto self = impl_;
    const auto verb = args.empty() ? std::string() : args.front();
    std::vector<redis_args> commands;
    commands.push_back(std::move(args));
    co_return checked(co_await impl::submit(self, std::move(commands), self->options.timeout + wait),
                      self->where(), verb);
}

asio::awaitable<result<std::vector<redis_reply>>> redis::pipeline(std::vector<redis_args> commands) {
    const auto self = impl_;
    co_return co_await impl::submit(self, std::move(commands), self->options.timeout);
}

asio::awaitable<result<redis_reply>> redis::eval(const lua_script& script, std::vector<std::string> keys,
                                                 redis_args args) {
    const auto self = impl_;
    const auto source = script.source(); // the caller's script may be gone when the answer comes
    std::vector<redis_args> by_hash;
    by_hash.push_back(eval_args("EVALSHA", script.sha1(), keys, args));
    auto answers = co_await impl::submit(self, std::move(by_hash), self->options.timeout);
    if (answers && answers->front().type == redis_reply::kind::error &&
        answers->front().text.starts_with("NOSCRIPT")) {
        std::vector<redis_args> by_source;
        by_source.push_back(eval_args("EVAL", source, keys, args));
        answers = co_await impl::submit(self, std::move(by_source), self->options.timeout);
    }
    co_return checked(std::move(answers), self->where(), "EVAL");
}

} // namespace zhida::io
