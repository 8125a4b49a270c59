// The envelope of the safe mode, before anybody knows who posted it. The first byte says how: as text, as the
// bytes that are decrypted, as a message that is sealed and then changed, or at the door.
#include "common/base/crypto.hpp"
#include "services/gateways/wechat_door.hpp"

#include <cstdint>
#include <cstdlib>

using namespace zhida;
using namespace zhida::gateways;

namespace {

const std::string key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", id = "wxb11529c136998cb6";
const std::string random16 = "aaaabbbbccccdddd", token = "pamtest", nonce = "xxxxxx";
const wall_time now{milliseconds(1'409'304'348'000)};

void must(bool holds) {
    if (!holds) std::abort();
}

void sealed_and_changed(const callback_cipher& cipher, std::string_view input) {
    const auto changes = std::min<std::size_t>(input.size() / 4, 8) * 2;
    const auto message = input.substr(changes);
    const auto sealed = cipher.seal(message, random16);
    must(cipher.open(sealed).value() == message);
    auto bytes = crypto::from_base64(sealed).value();
    const auto before = bytes;
    for (std::size_t i = 0; i < changes; i += 2)
        bytes[static_cast<unsigned char>(input[i]) * bytes.size() / 256] = input[i + 1];
    // Length, receiver and padding have to fit, so that what opens is as long as before.
    if (const auto plain = cipher.open(crypto::base64(bytes)))
        must(plain->size() == message.size() && (bytes != before || *plain == message));
}

// Signed as the platform would: what is inside is looked at.
void at_the_door(const wechat_door& door, std::string_view body, bool as_it_is) {
    const auto cipher = callback_cipher::of(key, id).value();
    const std::string posted =
        as_it_is ? std::string(body)
                 : "<xml><Encrypt><![CDATA[" + cipher.seal(body, random16) + "]]></Encrypt></xml>";
    wechat_query q;
    q.timestamp = "1409304348";
    q.nonce = nonce;
    must(door.open(q, posted, now).has_error());
    q.msg_signature = callback_signature({token, q.timestamp, nonce});
    must(door.open(q, posted, now).has_error());
    const auto envelope = read_encrypted_event(posted);
    if (!envelope) return;
    q.msg_signature = callback_signature({token, q.timestamp, nonce, envelope->encrypted});
    const auto event = door.open(q, posted, now);
    if (!as_it_is) must(event.has_value() == read_wechat_event(body).has_value());
    if (!event) return;
    const auto answer = read_encrypted_event(door.answer(*event, event->text, now, random16 + "12345678"));
    const auto plain = cipher.open(answer.value().encrypted);
    must(plain.value().find("<MsgType><![CDATA[text]]></MsgType>") != std::string::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto cipher = callback_cipher::of(key, id).value();
    static const auto door = wechat_door::of("wechat", token, key, id).value();
    if (size == 0 || size > most_event_bytes) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        if (const auto plain = cipher.open(input)) must(plain->size() < input.size());
        break;
    case 1:
        if (const auto plain = cipher.open(crypto::base64(input))) must(plain->size() < input.size());
        break;
    case 2:
        sealed_and_changed(cipher, input);
        break;
    default:
        at_the_door(door, input, data[0] % 5 == 3);
    }
    return 0;
}
