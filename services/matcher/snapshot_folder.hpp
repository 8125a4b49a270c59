// The snapshots of this process, one file a shard, and the thread that writes them.
#pragma once

#include "common/base/clock.hpp"
#include "services/matcher/snapshot.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <string>

namespace zhida::matcher {

namespace asio = boost::asio;

class snapshot_folder {
  public:
    // folder: made where it is missing, when the first is written.
    snapshot_folder(std::string folder, const row_layouts& layouts);
    // Nothing where there is none, or it is not this shard's, or damaged, or older than `most_age`; all but
    // the first are told in the log. Reads on the caller's thread.
    std::optional<snapshot> read(int shard, const std::string& lineage, milliseconds most_age) const;
    // The rows as they are now; the caller goes on when they are on the disk.
    asio::awaitable<result<void>> write(const shard_rows& rows, snapshot_place place);
    // After those that are being written; one that is not there is no error.
    asio::awaitable<result<void>> remove(int shard);

  private:
    std::string path(int shard) const;

    std::string folder_;
    const row_layouts& layouts_;
    std::string fingerprint_;
    asio::thread_pool writer_{1};
};

} // namespace zhida::matcher
