#include "common/io/redis_wire.hpp"

#include <hiredis/hiredis.h>

#include <new>
#include <stdexcept>

namespace zhida::io {

void append_command(std::string& wire, const redis_args& args) {
    if (args.empty()) throw std::invalid_argument("a Redis command without a name");
    std::vector<const char*> data(args.size());
    std::vector<std::size_t> sizes(args.size());
    std::size_t total = 0;
    for (std::size_t i = 0; i < args.size(); ++i) {
        data[i] = args[i].data();
        sizes[i] = args[i].size();
        total += sizes[i] + 32;
    }
    if (total > 0x7fffffffU)
        throw std::length_error("a Redis command of more than 2 GB"); // hiredis counts in int
    char* text = nullptr;
    const int length =
        redisFormatCommandArgv(&text, static_cast<int>(args.size()), data.data(), sizes.data());
    if (length < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&redisFreeCommand)> owned(text, redisFreeCommand);
    wire.append(text, static_cast<std::size_t>(length));
}

struct redis_reply_reader::budget {
    redis_reply_limits limits;
    std::size_t bytes = 0, items = 0; // of the reply being built
    bool exceeded = false;

    bool take(std::size_t more_bytes, std::size_t more_items) noexcept {
        bytes += more_bytes;
        items += more_items;
        if (bytes > limits.bytes || items > limits.items) exceeded = true;
        return !exceeded;
    }
};

// hiredis calls these as it parses; a null answer makes it stop with an error. Values are built in their
// final place: the root on the heap, the others in their parent's items.
struct redis_reply_reader::builder {
    static redis_reply* place(const redisReadTask* task) {
        if (!task->parent) return new redis_reply;
        return &static_cast<redis_reply*>(task->parent->obj)->items[static_cast<std::size_t>(task->idx)];
    }
    template <class Fill>
    static void* make(const redisReadTask* task, std::size_t bytes, std::size_t items, Fill fill) noexcept {
        auto* spent = static_cast<budget*>(task->privdata);
        if (!spent->take(bytes, items)) return nullptr;
        redis_reply* made = nullptr;
        try {
            made = place(task);
            fill(*made);
            return made;
        } catch (const std::bad_alloc&) {
            spent->exceeded = true;
            if (!task->parent) delete made;
            return nullptr;
        }
    }
    static void* text(const redisReadTask* task, char* data, std::size_t size) noexcept {
        return make(task, size, 0, [&](redis_reply& r) {
            r.type = task->type == REDIS_REPLY_ERROR ? redis_reply::kind::error : redis_reply::kind::text;
            r.text.assign(data, size);
        });
    }
    static void* array(const redisReadTask* task, int count) noexcept {
        const auto items = count < 0 ? SIZE_MAX / 2 : static_cast<std::size_t>(count);
        return make(task, 0, items, [&](redis_reply& r) {
            r.type = redis_reply::kind::array;
            r.items.resize(items);
        });
    }
    static void* integer(const redisReadTask* task, long long value) noexcept {
        return make(task, 0, 0, [&](redis_reply& r) {
            r.type = redis_reply::kind::integer;
            r.integer = value;
        });
    }
    static void* nil(const redisReadTask* task) noexcept {
        return make(task, 0, 0, [](redis_reply&) {});
    }
    static void release(void* root) noexcept { delete static_cast<redis_reply*>(root); }
};

redis_reply_reader::redis_reply_reader(redis_reply_limits limits) : budget_(std::make_unique<budget>()) {
    budget_->limits = limits;
    static redisReplyObjectFunctions functions{builder::text, builder::array, builder::integer, builder::nil,
                                               builder::release};
    reader_ = redisReaderCreateWithFunctions(&functions);
    if (!reader_) throw std::bad_alloc();
    reader_->privdata = budget_.get();
}

redis_reply_reader::~redis_reply_reader() {
    redisReaderFree(reader_);
}

void redis_reply_reader::feed(std::string_view bytes) {
    redisReaderFeed(reader_, bytes.data(), bytes.size());
}

result<std::optional<redis_reply>> redis_reply_reader::next() {
    void* reply = nullptr;
    const int code = redisReaderGetReply(reader_, &reply);
    // A long value waits in hiredis' buffer until it is whole.
    if (budget_->exceeded || reader_->len - reader_->pos > budget_->limits.bytes)
        return failure{errc::exhausted,
                       "a reply of more than " + std::to_string(budget_->limits.bytes >> 20) + " MB or " +
                           std::to_string(budget_->limits.items) + " values",
                       "", "ask for less at once"};
    if (code != REDIS_OK)
        return failure{errc::invalid, std::string("the answer is not Redis' protocol: ") + reader_->errstr,
                       "", "check that the address is that of a Redis server"};
    if (!reply) return std::optional<redis_reply>();
    const std::unique_ptr<redis_reply> owned(static_cast<redis_reply*>(reply));
    budget_->bytes = budget_->items = 0;
    return std::optional<redis_reply>(std::move(*owned));
}

} // namespace zhida::io
