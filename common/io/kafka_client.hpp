// One librdkafka instance whose events, all on one queue, are taken on our own thread.
#pragma once

#include "common/io/kafka_support.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>

namespace zhida::io::kafka {

// librdkafka writes to an eventfd when its queue is no longer empty; the pump then takes events until there
// are none. It looks at least once a second, for an idle consumer that never polls is put out of its group.
class client : public std::enable_shared_from_this<client> {
  public:
    // Takes one event. Must not throw. Log events are written by the client itself.
    using handler = std::function<void(rd_kafka_event_t*)>;
    // False: the pump leaves the rest in librdkafka until wake() (or for a second).
    using has_room = std::function<bool()>;

    // The failure names the setting that librdkafka does not take.
    static result<std::shared_ptr<client>> make(asio::any_io_executor executor, rd_kafka_type_t type,
                                                const settings& values, std::string brokers);
    ~client();

    void start(handler on_event, has_room room);
    void wake();
    // Takes no more events and lets go of the instance; librdkafka's threads end when nobody holds it.
    void stop();

    rd_kafka_t* get() const noexcept { return handle_.get(); }
    // For blocking calls on another thread.
    std::shared_ptr<rd_kafka_t> share() const noexcept { return handle_; }
    rd_kafka_queue_t* events() const noexcept { return queue_.get(); }
    const std::string& brokers() const noexcept { return brokers_; }

    // Why the last connection failed, to say more than "timed out"; empty where none did.
    std::string last_error;

  private:
    client(asio::any_io_executor executor, std::string brokers);

    static asio::awaitable<void> pump(std::shared_ptr<client> self);
    void drain();
    void write_log(rd_kafka_event_t* e) const;

    std::string brokers_;
    std::shared_ptr<rd_kafka_t> handle_;
    queue queue_;
    asio::posix::stream_descriptor woken_;
    asio::steady_timer tick_;
    handler on_event_;
    has_room room_;
    bool stopped_ = false;
};

} // namespace zhida::io::kafka
