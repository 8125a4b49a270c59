// Messages at gateways: to which deliveries the receipts of a message belong. A receipt may come before the
// id of its message is known here.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/io/redis.hpp"
#include "common/model/policy.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

// A receipt comes within three days or never; so long its message is remembered.
inline constexpr std::chrono::seconds receipts_kept = std::chrono::hours(72);

// Where the receipts of a gateway's message ids belong. A receipt may come before the id is known here.
struct message_place {
    int shard = 0;
    std::string campaign;
    channel via = channel::sms;
    std::uint32_t position = 0;
    int part = 1, parts = 1;
};
std::string to_text(const message_place& place);
result<message_place> read_message_place(std::string_view text);

// The event that passes a receipt on to the shard it belongs to. invalid: the receipt's text is no JSON.
result<io::log_message> receipt_message(const message_place& place, std::string_view receipt, wall_time now);

// The same of one whose message is not known here yet, so that a Redis that forgets it has it again.
result<io::log_message> orphan_message(int shard, std::string_view receipt, wall_time now);

class messages {
  public:
    explicit messages(io::redis& r) : redis_(r) {}
    struct sent {
        std::string message_id;
        message_place place;
    };
    // Remembers the places, all of them where a message carried several packages; returns the receipts that
    // had come first, parallel to them ("" where none had).
    asio::awaitable<result<std::vector<std::string>>> bind(std::string gateway, std::vector<sent> messages);
    // The same of places that may not be all of their messages': those that are known stay.
    asio::awaitable<result<std::vector<std::string>>> bind_also(std::string gateway,
                                                                std::vector<sent> messages);
    // The places; none known: the receipt text is kept, for bind to find.
    asio::awaitable<result<std::vector<message_place>>> resolve(std::string gateway, std::string message_id,
                                                                std::string receipt);

    // These parts of messages of several were delivered: true where, with that, all parts of the message have
    // been.
    asio::awaitable<result<std::vector<bool>>> parts_delivered(std::vector<message_place> parts);

    // Run id of the Redis that has every receipt which the group has read of the shard; "" none has.
    asio::awaitable<result<std::string>> receipts_server(int shard);
    asio::awaitable<result<void>> put_receipts_server(int shard, std::string run_id);

  private:
    asio::awaitable<result<std::vector<std::string>>> early(const std::string& gateway,
                                                            const std::vector<sent>& messages);
    io::redis& redis_;
};

} // namespace zhida::store
