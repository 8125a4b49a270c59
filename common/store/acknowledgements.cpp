#include "common/store/acknowledgements.hpp"

#include "common/base/json.hpp"
#include "common/store/keys.hpp"

namespace zhida::store {

namespace {

constexpr int most_waiting = 10'000; // where nobody sends SMS the oldest go

// KEYS: told, waiting. ARGV: seconds, entry, most.
const io::lua_script& ask_script() {
    static const io::lua_script s(R"(
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
return 1)");
    return s;
}

} // namespace

std::string acknowledgements::sealed(const acknowledgement& about) const {
    const auto text = to_text({{"phone", about.phone},
                               {"gateway", about.gateway},
                               {"asked_ms", about.asked.time_since_epoch().count()}});
    return sealer_.seal(text, keys::acknowledgements());
}

asio::awaitable<result<bool>> acknowledgements::ask(std::string digest, acknowledgement about) {
    const auto seconds = std::chrono::seconds(once_in).count();
    auto asked = co_await redis_.eval(ask_script(), {keys::acknowledged(digest), keys::acknowledgements()},
                                      {std::to_string(seconds), sealed(about), std::to_string(most_waiting)});
    if (!asked) co_return asked.error();
    co_return asked->integer == 1;
}

asio::awaitable<result<std::optional<acknowledgement>>> acknowledgements::take() {
    auto reply = co_await redis_.command({"LPOP", keys::acknowledgements()});
    if (!reply) co_return reply.error();
    if (reply->is_nil()) co_return std::optional<acknowledgement>();
    const auto text = sealer_.open(reply->text, keys::acknowledgements());
    const auto document = text ? parse_json(*text) : result<json>(text.error());
    if (!document) co_return document.error();
    std::vector<failure> errors;
    json_reader in(*document, "", errors);
    acknowledgement a;
    if (in.is_object()) {
        a.phone = in.text("phone", true).value_or("");
        a.gateway = in.text("gateway", true).value_or("");
        a.asked = wall_time(milliseconds(in.integer("asked_ms", true, 0, INT64_MAX).value_or(0)));
    }
    if (!errors.empty()) co_return errors.front();
    co_return std::optional(std::move(a));
}

asio::awaitable<result<void>> acknowledgements::put_back(acknowledgement about) {
    auto reply = co_await redis_.command({"RPUSH", keys::acknowledgements(), sealed(about)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

} // namespace zhida::store
