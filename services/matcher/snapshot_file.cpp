// Snapshots on disk.
#include "services/matcher/snapshot.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace zhida::matcher {

namespace {

class descriptor {
  public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { close(); }
    int get() const noexcept { return fd_; }
    bool close() noexcept { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

  private:
    int fd_;
};

failure system_failure(const std::string& what, const std::string& where) {
    const int why = errno;
    return {why == ENOENT ? errc::not_found : errc::io, what + ": " + std::strerror(why), where,
            why == ENOSPC ? "make room on the disk" : ""};
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// The new name is on disk only when its folder is.
result<void> sync_folder(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    const descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return system_failure("cannot be brought to disk", folder);
    return {};
}

} // namespace

result<void> write_snapshot(const std::string& path, std::string image) {
    seal_snapshot(image);
    const auto beside = path + ".tmp"; // one writer a shard: what a crash left is written over
    descriptor fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) return system_failure("snapshot cannot be made", beside);
    if (!write_all(fd.get(), image) || ::fsync(fd.get()) != 0 || !fd.close()) {
        auto why = system_failure("snapshot cannot be written", beside);
        ::unlink(beside.c_str());
        return why;
    }
    if (::rename(beside.c_str(), path.c_str()) != 0)
        return system_failure("snapshot cannot be put in place", path);
    return sync_folder(path);
}

result<snapshot> read_snapshot(const std::string& path, const row_layouts& layouts,
                               std::string_view fingerprint, int shard, std::string_view lineage) {
    const descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return system_failure("snapshot cannot be read", path);
    struct stat about{};
    if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode))
        return failure{errc::invalid, "the snapshot is not a plain file", path, ""};
    std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
    std::size_t got = 0;
    while (got < bytes.size()) {
        const auto count = ::read(fd.get(), bytes.data() + got, bytes.size() - got);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_failure("snapshot cannot be read", path);
        if (count == 0) break; // cut off while it was read
        got += static_cast<std::size_t>(count);
    }
    auto read = decode_snapshot(std::string_view(bytes).substr(0, got), layouts, fingerprint, shard, lineage);
    if (read) return read;
    auto why = read.error();
    why.where = path;
    return why;
}

} // namespace zhida::matcher
