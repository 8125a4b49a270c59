#include "services/matcher/snapshot_folder.hpp"

#include "common/base/log.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <filesystem>

namespace zhida::matcher {

snapshot_folder::snapshot_folder(std::string folder, const row_layouts& layouts)
    : folder_(std::move(folder)), layouts_(layouts), fingerprint_(fingerprint(layouts)) {}

std::string snapshot_folder::path(int shard) const {
    const auto number = std::to_string(shard);
    return folder_ + "/shard-" + std::string(number.size() < 4 ? 4 - number.size() : 0, '0') + number +
           ".snapshot";
}

std::optional<snapshot> snapshot_folder::read(int shard, const std::string& lineage,
                                              milliseconds most_age) const {
    const auto file = path(shard);
    std::error_code missing;
    const auto written = std::filesystem::last_write_time(file, missing);
    if (missing) return std::nullopt;
    if (std::filesystem::file_time_type::clock::now() - written > most_age) {
        log::info("snapshot is too old", {{"file", file}});
        return std::nullopt;
    }
    auto found = read_snapshot(file, layouts_, fingerprint_, shard, lineage);
    if (!found) {
        log::warn("snapshot not used, the shard is loaded from Redis",
                  {{"file", file}, {"why", found.error().text()}});
        return std::nullopt;
    }
    return std::move(*found);
}

asio::awaitable<result<void>> snapshot_folder::write(const shard_rows& rows, snapshot_place place) {
    const auto back = co_await asio::this_coro::executor;
    const auto file = path(place.shard);
    auto image = encode_snapshot(rows, place, fingerprint_);
    co_await asio::post(asio::bind_executor(writer_.get_executor(), asio::use_awaitable));
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed); // writing says what is wrong
    auto written = write_snapshot(file, std::move(image));
    co_await asio::post(asio::bind_executor(back, asio::use_awaitable));
    co_return written;
}

asio::awaitable<result<void>> snapshot_folder::remove(int shard) {
    const auto back = co_await asio::this_coro::executor;
    const auto file = path(shard);
    co_await asio::post(asio::bind_executor(writer_.get_executor(), asio::use_awaitable));
    std::error_code failed;
    std::filesystem::remove(file, failed);
    co_await asio::post(asio::bind_executor(back, asio::use_awaitable));
    if (failed) co_return failure{errc::io, "cannot remove: " + failed.message(), file, ""};
    co_return result<void>{};
}

} // namespace zhida::matcher
