#include "services/gateways/wechat_door.hpp"

#include "common/base/crypto.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace zhida::gateways {

namespace {

constexpr std::size_t most_echo = 1024, random_size = 16, nonce_size = 8;

std::int64_t seconds(wall_time t) {
    return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

// The echo is text of ours to a browser as well: nothing that it could take for a page.
bool plain_word(std::string_view text) {
    return !text.empty() && text.size() <= most_echo && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'';
    });
}

} // namespace

result<wechat_door> wechat_door::of(std::string name, std::string callback_token,
                                    std::string_view callback_aes_key, std::string receive_id) {
    wechat_door door;
    door.name_ = std::move(name);
    door.token_ = std::move(callback_token);
    const auto key = [&](const char* last) { return door.name_ + "." + last; };
    if (door.token_.empty())
        return failure{errc::invalid, "is empty", key("callback_token"),
                       "the Token of the platform's page; without it anybody could post"};
    if (callback_aes_key.empty()) return door;
    if (receive_id.empty())
        return failure{errc::invalid, "is empty", key(door.receive_key()),
                       "what is encrypted names its receiver"};
    auto cipher = callback_cipher::of(callback_aes_key, std::move(receive_id));
    if (!cipher)
        return failure{errc::invalid, cipher.error().what, key("callback_aes_key"), cipher.error().fix};
    door.cipher_ = std::move(*cipher);
    return door;
}

failure wechat_door::refused(std::string what, const char* key, std::string fix) const {
    return {errc::refused, std::move(what), name_ + "." + key, std::move(fix)};
}

std::optional<failure> wechat_door::fault(const wechat_query& query, const char* signature_name,
                                          std::optional<std::string_view> encrypted, wall_time now) const {
    const auto& given = encrypted ? query.msg_signature : query.signature;
    if (given.empty())
        return refused(std::string("no ") + signature_name, "callback_token",
                       "posted by somebody else, or not as the platform does");
    std::vector<std::string_view> parts{token_, query.timestamp, query.nonce};
    if (encrypted) parts.push_back(*encrypted);
    if (!crypto::equal_constant_time(callback_signature(std::move(parts)), given))
        return refused(std::string("another ") + signature_name, "callback_token",
                       "posted by somebody else, or the Token of the platform's page is another");
    // After the signature: only the platform is told about clocks.
    std::int64_t at = 0;
    const auto& text = query.timestamp;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at);
    if (error != std::errc{} || end != text.data() + text.size() || text.size() > 10 || at < 0)
        return refused("a timestamp that is no number of seconds", "callback_token", "");
    const auto away = seconds(now) - at;
    if (away > most_skew / milliseconds(1000) || -away > most_skew / milliseconds(1000))
        return refused("signed " + std::to_string(away) + " seconds ago", "callback_token",
                       "sent again by somebody who has seen it, or this machine's clock is wrong");
    return std::nullopt;
}

result<std::string> wechat_door::verify(const wechat_query& query, wall_time now) const {
    if (query.msg_signature.empty()) {
        if (const auto f = fault(query, "signature", std::nullopt, now)) return *f;
        if (!plain_word(query.echostr)) return refused("no echostr to echo", "callback_token", "");
        return query.echostr;
    }
    if (!cipher_)
        return refused("an encrypted echostr", "callback_aes_key",
                       "set it to the EncodingAESKey of the platform's page");
    if (const auto f = fault(query, "msg_signature", query.echostr, now)) return *f;
    const auto plain = cipher_->open(query.echostr);
    if (!plain) return refused(plain.error().what, "callback_aes_key", plain.error().fix);
    if (!plain_word(*plain)) return refused("no echostr to echo", "callback_aes_key", "");
    return *plain;
}

result<wechat_event> wechat_door::open(const wechat_query& query, std::string_view body,
                                       wall_time now) const {
    if (!cipher_) {
        if (const auto f = fault(query, "signature", std::nullopt, now)) return *f;
        auto event = read_wechat_event(body);
        if (!event && (query.encrypt_type == "aes" || read_encrypted_event(body)))
            return failure{errc::invalid, "an encrypted event", name_ + ".callback_aes_key",
                           "set it to the EncodingAESKey of the platform's page"};
        return event;
    }
    if (query.msg_signature.empty())
        return refused("an event in clear", "callback_aes_key",
                       "posted by somebody else, or the platform's page is set to 明文模式: choose 安全模式");
    const auto envelope = read_encrypted_event(body);
    if (!envelope)
        return refused("no encrypted event: " + envelope.error().text(), "callback_aes_key",
                       "choose 安全模式 on the platform's page");
    if (const auto f = fault(query, "msg_signature", envelope->encrypted, now)) return *f;
    const auto plain = cipher_->open(envelope->encrypted);
    if (!plain)
        return refused(plain.error().what, "callback_aes_key",
                       plain.error().fix + "; see " + name_ + "." + receive_key() + " as well");
    return read_wechat_event(*plain);
}

std::string wechat_door::answer(const wechat_event& to, std::string_view text, wall_time now,
                                std::string_view random) const {
    if (random.size() != random_size + nonce_size)
        throw std::invalid_argument("wechat_door::answer: 24 random bytes");
    auto plain = text_answer(to.from, to.to, now, text);
    if (!cipher_) return plain;
    const auto encrypted = cipher_->seal(plain, random.substr(0, random_size));
    const auto timestamp = std::to_string(seconds(now)), nonce = crypto::hex(random.substr(random_size));
    return encrypted_answer(encrypted, callback_signature({token_, timestamp, nonce, encrypted}), timestamp,
                            nonce);
}

std::string wechat_door::answer(const wechat_event& to, std::string_view text, wall_time now) const {
    return answer(to, text, now, crypto::random_bytes(random_size + nonce_size));
}

} // namespace zhida::gateways
