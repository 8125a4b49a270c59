// A certificate for the name localhost, which is its own authority, in a folder of its own.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace zhida::tests {

class certificate {
  public:
    certificate() {
        std::filesystem::create_directories(dir_);
        const auto made =
            std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
                         "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout '" +
                         key() + "' -out '" + file() + "' 2>/dev/null")
                            .c_str());
        if (made != 0) throw std::runtime_error("openssl cannot make a certificate");
    }
    ~certificate() { std::filesystem::remove_all(dir_); }
    certificate(const certificate&) = delete;
    certificate& operator=(const certificate&) = delete;
    std::string file() const { return (dir_ / "cert.pem").string(); } // PEM, as is the key
    std::string key() const { return (dir_ / "key.pem").string(); }

  private:
    std::filesystem::path dir_ =
        std::filesystem::temp_directory_path() / ("zhida_tls_" + std::to_string(::getpid()));
};

} // namespace zhida::tests
