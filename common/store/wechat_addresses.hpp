// Where WeChat reaches people, and what they allow there. An address is known by its digest
// (store::number_digests), and what is known of it lies in the digest's shard, whichever subjects it belongs
// to. What changes it goes through services/consent_log.hpp; only spent grants are told to nobody else, so
// that a Redis that loses them has some too many: WeChat refuses those.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"
#include "common/model/profile.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

struct wechat_standing {
    std::optional<bool> follows; // nothing: nobody has said
    enum class templates : std::uint8_t { unsaid, lasting, counted, refused } of_template = templates::unsaid;
    std::int64_t left = 0;     // counted: messages
    wall_time refused_since{}; // refused
};

struct bound_contacts {
    std::vector<contact> contacts;
    std::vector<std::string> unbound; // digests of addresses that are not to be used for the subject
};

class wechat_addresses {
  public:
    wechat_addresses(io::redis& r, const crypto::sealer& sealer, int shards)
        : redis_(r), sealer_(sealer), shards_(shards) {}

    struct asked {
        std::string digest, template_id; // no template: only whether it follows
    };
    // Parallel to what was asked.
    asio::awaitable<result<std::vector<wechat_standing>>> standings(std::vector<asked> of);

    // One grant of a template that is good for one message: true where there was one.
    asio::awaitable<result<bool>> spend(std::string digest, std::string template_id);
    // What was spent for a message that surely was not taken.
    asio::awaitable<result<void>> give_back(std::string digest, std::string template_id);

    // Of subjects of a shard; those without bindings are left out. What cannot be opened is passed over.
    asio::awaitable<result<std::map<std::string, bound_contacts>>>
    bound_of(int shard, std::vector<std::string> subject_ids);

    // Subjects that nothing more is sent to because of an address; they stay in the list, for saying regrant
    // twice does no harm.
    asio::awaitable<result<void>> put_refusing(std::string digest, std::string subject_id);
    asio::awaitable<result<std::vector<std::string>>> refusing(std::string digest);

  private:
    io::redis& redis_;
    const crypto::sealer& sealer_;
    int shards_;
};

} // namespace zhida::store
