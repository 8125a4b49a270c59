#include "common/io/kafka_client.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace zhida::io::kafka {

namespace {

using asio::experimental::awaitable_operators::operator||;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

// Events are taken in turns, so that a full queue does not keep everything else waiting.
constexpr int events_a_turn = 2000;

void destroy(rd_kafka_t* rk) noexcept {
    // Whoever wants to leave its group has done so before.
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

} // namespace

client::client(asio::any_io_executor executor, std::string brokers)
    : brokers_(std::move(brokers)), woken_(executor), tick_(executor) {}

result<std::shared_ptr<client>> client::make(asio::any_io_executor executor, rd_kafka_type_t type,
                                             const settings& values, std::string brokers) {
    std::array<char, 512> text{};
    conf c(rd_kafka_conf_new());
    for (const auto& [name, value] : values)
        if (rd_kafka_conf_set(c.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
            RD_KAFKA_CONF_OK)
            return failure{errc::invalid, text.data(), "Kafka setting " + name,
                           "check the section kafka of the configuration"};
    rd_kafka_conf_set_events(c.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_LOG |
                                          RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_REBALANCE |
                                          RD_KAFKA_EVENT_OFFSET_COMMIT);
    std::shared_ptr<client> made(new client(executor, std::move(brokers)));
    rd_kafka_t* rk = rd_kafka_new(type, c.get(), text.data(), text.size());
    if (!rk)
        return failure{errc::invalid, text.data(), "Kafka", "check the section kafka of the configuration"};
    (void)c.release(); // rd_kafka_new() took it
    made->handle_.reset(rk, destroy);
    if (type == RD_KAFKA_CONSUMER) {
        rd_kafka_poll_set_consumer(rk);
        made->queue_.reset(rd_kafka_queue_get_consumer(rk));
    } else {
        made->queue_.reset(rd_kafka_queue_get_main(rk));
    }
    rd_kafka_set_log_queue(rk, made->queue_.get());
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    made->woken_.assign(fd);
    const std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(made->queue_.get(), fd, &one, sizeof one);
    return made;
}

client::~client() {
    stop();
}

void client::start(handler on_event, has_room room) {
    on_event_ = std::move(on_event);
    room_ = std::move(room);
    spawn(woken_.get_executor(), pump(shared_from_this()));
}

void client::wake() {
    tick_.cancel();
}

void client::stop() {
    if (stopped_) return;
    stopped_ = true;
    on_event_ = nullptr;
    room_ = nullptr;
    if (queue_) rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
    queue_.reset();
    handle_.reset();
    boost::system::error_code ignored; // both may be gone already
    woken_.close(ignored);
    tick_.cancel();
}

void client::drain() {
    for (int n = 0; n < events_a_turn && !stopped_ && room_(); ++n) {
        const event e(rd_kafka_queue_poll(queue_.get(), 0));
        if (!e) return;
        if (rd_kafka_event_type(e.get()) == RD_KAFKA_EVENT_LOG)
            write_log(e.get());
        else
            on_event_(e.get());
    }
    // More is there, and no event will say so: come back as soon as the others had their turn.
    if (!stopped_ && room_()) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(woken_.native_handle(), &one, sizeof one);
    }
}

asio::awaitable<void> client::pump(std::shared_ptr<client> self) {
    while (!self->stopped_) {
        self->drain();
        if (self->stopped_) break;
        self->tick_.expires_after(std::chrono::seconds(1));
        co_await (self->woken_.async_wait(asio::posix::stream_descriptor::wait_read, tuple) ||
                  self->tick_.async_wait(tuple));
        if (self->stopped_) break;
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(self->woken_.native_handle(), &count, sizeof count);
    }
}

void client::write_log(rd_kafka_event_t* e) const {
    const char *facility = "", *message = "";
    int level = 7;
    if (rd_kafka_event_log(e, &facility, &message, &level) != 0) return;
    // Levels of syslog: 4 is a warning. What matters of the errors also comes as a failure.
    log::write(level <= 4 ? log::level::warn : log::level::debug, "kafka.log",
               {{"facility", facility}, {"message", message}, {"brokers", brokers_}});
}

} // namespace zhida::io::kafka
