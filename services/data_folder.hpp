// A data folder belongs to one process at a time.
#pragma once

#include "common/base/error.hpp"

#include <string>

namespace zhida {

class data_folder {
  public:
    // Makes the folder (mode 0700) and locks it. conflict: another process has it; says its pid and what to
    // do.
    static result<data_folder> take(const std::string& path);
    data_folder(data_folder&& other) noexcept;
    data_folder& operator=(data_folder&&) = delete;
    ~data_folder();

  private:
    explicit data_folder(int lock) : lock_(lock) {}
    int lock_ = -1;
};

} // namespace zhida
