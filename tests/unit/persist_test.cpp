#include "services/persist.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

bool tried_again(errc code, const char* what = "") {
    return passing({code, what, "redis 127.0.0.1:6379 EVAL", ""});
}

TEST(persist, waits_for_what_somebody_will_mend) {
    for (const char* refusal :
         {"LOADING Redis is loading the dataset in memory", "NOREPLICAS Not enough good replicas to write.",
          "MISCONF Errors writing to the AOF file: No space left on device", "OOM command not allowed",
          "READONLY You can't write against a read only replica.", "NOAUTH Authentication required.",
          "NOPERM User default has no permissions", "ERR max number of clients reached"})
        EXPECT_TRUE(tried_again(errc::refused, refusal)) << refusal;
    for (const auto code : {errc::unavailable, errc::timeout, errc::exhausted, errc::io})
        EXPECT_TRUE(tried_again(code));
}

TEST(persist, does_not_repeat_a_mistake_of_ours) {
    for (const char* refusal : {"ERR unknown command 'SETT'", "NOSCRIPT No matching script.",
                                "WRONGTYPE Operation against a key holding the wrong kind of value"})
        EXPECT_FALSE(tried_again(errc::refused, refusal)) << refusal;
    for (const auto code : {errc::invalid, errc::not_found, errc::conflict, errc::cancelled})
        EXPECT_FALSE(tried_again(code));
}

} // namespace
} // namespace zhida
