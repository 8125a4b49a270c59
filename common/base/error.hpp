// Expected failures travel as values; an exception means a bug or a failed start.
#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace zhida {

enum class errc {
    invalid,     // what was given breaks its contract; trying again cannot help
    not_found,   // the thing named does not exist
    conflict,    // it exists already, or somebody else holds it
    unavailable, // the other side cannot be reached or is not ready; trying again may help
    timeout,     // no answer in time: whether it took effect is unknown
    refused,     // the other side answered no
    exhausted,   // a bound was reached: memory, disk, quota, queue
    cancelled,   // we were told to stop; never logged as an error
    io,          // the operating system said no
};

const char* to_string(errc) noexcept;

// what: what was wrong · where: path, line, field, host:port · fix: what to do about it. Any may be empty but
// `what`.
struct failure {
    errc code = errc::invalid;
    std::string what;
    std::string where;
    std::string fix;

    // One line for people: "where: what (fix)".
    std::string text() const;
};

class failure_error : public std::runtime_error {
  public:
    explicit failure_error(failure f) : std::runtime_error(f.text()), failure_(std::move(f)) {}
    const failure& why() const noexcept { return failure_; }

  private:
    failure failure_;
};

// result<T>::value() on a failure throws failure_error.
[[noreturn]] inline void throw_exception_from_error(const failure& f, const boost::source_location&) {
    throw failure_error(f);
}

template <class T = void>
using result = boost::system::result<T, failure>;

// For values that convert to and from everything (json): return ok(value).
template <class T>
result<std::decay_t<T>> ok(T&& value) {
    return result<std::decay_t<T>>(boost::system::in_place_value, std::forward<T>(value));
}

} // namespace zhida
