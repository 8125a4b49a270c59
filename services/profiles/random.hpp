// Random numbers that are the same on every machine: the standard library's distributions are not.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <vector>

namespace zhida::profiles {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). Each subject
// has its own stream, so that it does not depend on how many others there are.
class random_stream {
  public:
    random_stream(std::uint64_t seed, std::uint64_t kind, std::uint64_t index) noexcept
        : state_(mixed(mixed(seed) ^ kind * 0xd1342543de82ef95U) ^ index) {
        next();
    }
    std::uint64_t next() noexcept { return mixed(state_ += step); }
    double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; } // [0, 1)
    bool chance(double p) noexcept { return unit() < p; }
    // low .. high, both inclusive
    std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }
    double normal() noexcept {
        const double u = 1.0 - unit(), v = unit();
        return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
    }
    double log_normal(double median, double sigma) noexcept { return median * std::exp(sigma * normal()); }
    double exponential(double mean) noexcept { return -mean * std::log(1.0 - unit()); }

  private:
    static constexpr std::uint64_t step = 0x9e3779b97f4a7c15U; // 2^64 / golden ratio
    static constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
        z = (z ^ z >> 27) * 0x94d049bb133111ebU;
        return z ^ z >> 31;
    }

    std::uint64_t state_;
};

// One of several by weight.
class weighted {
  public:
    weighted() = default;
    weighted(std::initializer_list<double> weights) {
        for (const double w : weights) add(w);
    }
    void add(double weight) { sums_.push_back((sums_.empty() ? 0.0 : sums_.back()) + weight); }
    std::size_t pick(random_stream& r) const noexcept {
        const double at = r.unit() * sums_.back();
        std::size_t low = 0, high = sums_.size() - 1;
        while (low < high) {
            const auto middle = (low + high) / 2;
            if (sums_[middle] > at)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }
    std::size_t size() const noexcept { return sums_.size(); }

  private:
    std::vector<double> sums_;
};

} // namespace zhida::profiles
