// Where the contact key lives: the environment, else a file that only its owner may read.
#include "common/base/crypto.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace zhida::crypto {

namespace {

constexpr const char* variable = "ZHIDA_CONTACT_KEY";

class descriptor {
  public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const noexcept { return fd_; }

  private:
    int fd_;
};

failure os_failure(const std::string& what, const std::string& where) {
    const int why = errno;
    return {why == ENOENT ? errc::not_found : errc::io, what + ": " + std::strerror(why), where, ""};
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    return text;
}

result<sealer> read_key(const std::string& file) {
    const descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return os_failure("cannot read the contact key", file);
    struct stat about{};
    if (::fstat(fd.get(), &about) != 0) return os_failure("cannot look at the contact key", file);
    if (!S_ISREG(about.st_mode))
        return failure{errc::invalid, "the contact key is not a plain file", file, "name a file"};
    if (about.st_mode & 077)
        return failure{errc::refused, "others may read the contact key", file, "chmod 600 " + file};
    char buffer[256];
    const auto size = ::read(fd.get(), buffer, sizeof buffer);
    if (size < 0) return os_failure("cannot read the contact key", file);
    auto made = sealer::from_hex_key(trimmed({buffer, static_cast<std::size_t>(size)}));
    if (!made) {
        auto why = made.error();
        why.where = file;
        why.fix = "restore the file from a backup: contacts sealed with a lost key stay closed";
        return why;
    }
    return made;
}

// Written beside and linked into place: of two processes that start at once one wins, and nobody ever reads
// half a key.
result<void> make_key(const std::string& file) {
    std::error_code error;
    const auto folder = std::filesystem::path(file).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (error)
        return failure{errc::io, "cannot make the folder of the contact key: " + error.message(), file,
                       "make it, or name another file in node.contact_key_file"};
    const std::string beside = file + "." + hex(random_bytes(6)) + ".tmp";
    const descriptor fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.get() < 0) return os_failure("cannot make the contact key", file);
    const std::string text = hex(random_bytes(32)) + "\n";
    const bool written = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fsync(fd.get()) == 0;
    result<void> done;
    if (!written)
        done = os_failure("cannot write the contact key", file);
    else if (::link(beside.c_str(), file.c_str()) != 0 && errno != EEXIST)
        done = os_failure("cannot put the contact key in place", file);
    ::unlink(beside.c_str());
    return done;
}

} // namespace

result<sealer> load_sealer(const std::string& key_file, bool create) {
    if (const char* given = std::getenv(variable); given && *given) {
        auto made = sealer::from_hex_key(trimmed(given));
        if (made) return made;
        auto why = made.error();
        why.where = variable;
        return why;
    }
    auto made = read_key(key_file);
    if (made || made.error().code != errc::not_found) return made;
    if (!create)
        return failure{errc::not_found, "there is no contact key", key_file,
                       std::string("use the key of the running service: node.contact_key_file or ") +
                           variable};
    if (auto written = make_key(key_file); !written) return written.error();
    return read_key(key_file);
}

} // namespace zhida::crypto
