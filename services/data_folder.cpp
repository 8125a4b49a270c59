#include "services/data_folder.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace zhida {

result<data_folder> data_folder::take(const std::string& path) {
    std::error_code code;
    const bool made = std::filesystem::create_directories(path, code);
    if (code)
        return failure{errc::io, "cannot be made: " + code.message(), path,
                       "choose another folder with --data"};
    if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, code);
    const auto file = path + "/lock";
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return failure{errc::io, std::string("cannot be written: ") + std::strerror(errno), file,
                       "choose another folder with --data"};
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        char pid[32] = {};
        const auto n = ::pread(lock, pid, sizeof pid - 1, 0);
        ::close(lock);
        return failure{errc::conflict,
                       "is in use by another zhida" +
                           (n > 0 ? " (process " + std::string(pid) + ")" : std::string()),
                       path, "stop it, or choose another folder with --data"};
    }
    const auto text = std::to_string(::getpid());
    if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, text.data(), text.size(), 0) < 0) {
        const auto why = std::string(std::strerror(errno));
        ::close(lock);
        return failure{errc::io, "cannot be written: " + why, file, "is the disk full?"};
    }
    return data_folder(lock);
}

data_folder::data_folder(data_folder&& other) noexcept : lock_(std::exchange(other.lock_, -1)) {}

data_folder::~data_folder() {
    if (lock_ >= 0) ::close(lock_);
}

} // namespace zhida
