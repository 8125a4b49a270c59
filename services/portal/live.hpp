// Open live streams (server-sent events) and what they are to be told. No I/O of its own.
#pragma once

#include "common/base/json.hpp"
#include "common/io/http_server.hpp"
#include "common/store/audit.hpp"
#include "services/portal/session.hpp"

#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace zhida::portal {

// One event of a stream (WHATWG HTML, 9.2.6): the data is one line of JSON.
std::string sse_event(std::string_view name, const json& data);

class live_hub {
  public:
    struct subject_listener {
        int shard = 0;
        std::uint32_t ordinal = 0;
        std::string id;
        io::http_stream stream;
        std::set<std::string> announced; // campaigns this stream was told of
    };
    struct staff_listener {
        identity who;
        io::http_stream stream;
    };

    std::shared_ptr<subject_listener> add(subject_listener l);
    void add(staff_listener l);
    // Who of this shard may have received something by this transition: web deliveries that arrived.
    std::vector<std::shared_ptr<subject_listener>> affected(const transition& t);
    // Campaigns whose counts changed since the last call.
    void changed(const std::string& campaign) { dirty_.insert(campaign); }
    std::set<std::string> take_changed();
    // Those still open; the others are forgotten.
    std::vector<std::shared_ptr<staff_listener>> staff();
    std::size_t open() const noexcept;
    // Ends every stream.
    void close();

  private:
    std::map<int, std::list<std::shared_ptr<subject_listener>>> subjects_; // by shard
    std::list<std::shared_ptr<staff_listener>> staff_;
    std::set<std::string> dirty_;
};

} // namespace zhida::portal
