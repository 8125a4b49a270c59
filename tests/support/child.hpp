// A program that a test talks to by lines while its loop goes on.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::tests {

class child {
  public:
    std::vector<std::string> lines; // said so far, as poll() has read them

    explicit child(std::vector<std::string> words) {
        std::array<int, 2> in{}, out{};
        if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("cannot make a pipe");
        std::vector<char*> argv;
        for (auto& w : words) argv.push_back(w.data());
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        to_ = in[1];
        from_ = out[0];
        ::fcntl(from_, F_SETFL, O_NONBLOCK);
    }
    ~child() {
        ::close(to_);
        ::close(from_);
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    void tell(const std::string& line) {
        const auto text = line + "\n";
        if (::write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            throw std::runtime_error("the program does not listen");
    }
    // How many lines so far begin with this.
    std::ptrdiff_t said(std::string_view beginning) {
        poll();
        return std::count_if(lines.begin(), lines.end(),
                             [&](const auto& l) { return l.starts_with(beginning); });
    }
    std::string all() const {
        std::string text;
        for (const auto& l : lines) text += l + "\n";
        return text;
    }

  private:
    void poll() {
        std::array<char, 4096> some{};
        for (ssize_t n = 0; (n = ::read(from_, some.data(), some.size())) > 0;)
            rest_.append(some.data(), static_cast<std::size_t>(n));
        for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
            lines.push_back(rest_.substr(0, end));
            rest_.erase(0, end + 1);
        }
    }

    pid_t pid_ = -1;
    int to_ = -1, from_ = -1;
    std::string rest_;
};

} // namespace zhida::tests
