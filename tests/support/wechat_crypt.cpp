// What we do with the platform's envelopes, for implementations that are not ours: a JSON object a line on
// standard input, one a line on standard output. {"do":"seal","key","id","message"} ·
// {"do":"open","key","id", "encrypted"} · {"do":"take","token","key","id","query":{...},"body","reply"}: the
// event that is posted, and the text `reply` as our answer to it.
#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "services/gateways/wechat_door.hpp"

#include <iostream>

using namespace zhida;
using namespace zhida::gateways;

namespace {

std::string text(const json& in, const char* name) {
    return in.at(name).get<std::string>();
}

json take(const json& in) {
    const auto door = wechat_door::of("wecom", text(in, "token"), text(in, "key"), text(in, "id")).value();
    wechat_query q;
    const auto& query = in.at("query");
    q.msg_signature = text(query, "msg_signature");
    q.timestamp = text(query, "timestamp");
    q.nonce = text(query, "nonce");
    const wall_time now{std::chrono::seconds(std::stoll(q.timestamp))};
    if (query.contains("echostr")) {
        q.echostr = text(query, "echostr");
        return {{"echo", door.verify(q, now).value()}};
    }
    const auto event = door.open(q, text(in, "body"), now).value();
    return {
        {"from", event.from}, {"text", event.text}, {"answer", door.answer(event, text(in, "reply"), now)}};
}

json done(const json& in) {
    const auto what = text(in, "do");
    if (what == "take") return take(in);
    const auto cipher = callback_cipher::of(text(in, "key"), text(in, "id")).value();
    if (what == "open") return {{"message", cipher.open(text(in, "encrypted")).value()}};
    return {{"encrypted", cipher.seal(text(in, "message"), crypto::random_bytes(16))}};
}

} // namespace

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        try {
            std::cout << to_text(done(parse_json(line).value())) << '\n';
        } catch (const failure_error& e) {
            std::cout << to_text({{"failure", e.why().text()}}) << '\n';
        }
    }
    return 0;
}
