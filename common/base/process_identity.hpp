// Which process holds something that only one may hold, told so that the next one can see whether it still
// lives.
#pragma once

#include <string>
#include <string_view>

namespace zhida {

// "<boot id>/<pid namespace>/<pid>/<start time>": no other process, before or after, has the same.
std::string process_identity();

enum class process_state {
    alive,
    dead,    // of this machine and namespace, and gone
    unknown, // of another machine or container, or not an identity
};
process_state state_of(std::string_view identity);

// "process 1234 of this machine", "a process of another machine or container".
std::string describe_process(std::string_view identity);

} // namespace zhida
