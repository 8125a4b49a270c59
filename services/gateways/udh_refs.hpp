// The reference that tells the parts of one long text from those of another (UDH, 8 bits). A phone puts parts
// together by (our number, reference, total), also hours later when it was off, so two texts to one phone
// must differ: each group of phones has a counter of its own. One counter for all would come round again
// exactly where two rounds to the same people have a multiple of 256 messages between them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace zhida::gateways::wire {

class udh_refs {
  public:
    explicit udh_refs(std::uint32_t seed) : next_(std::make_unique<groups>()) {
        for (auto& n : *next_) n = static_cast<std::uint8_t>((seed = seed * 1664525U + 1013904223U) >> 24);
    }
    std::uint8_t next(std::string_view phone) noexcept {
        return (*next_)[std::hash<std::string_view>{}(phone) % next_->size()]++;
    }

  private:
    using groups = std::array<std::uint8_t, 65536>;
    std::unique_ptr<groups> next_;
};

} // namespace zhida::gateways::wire
