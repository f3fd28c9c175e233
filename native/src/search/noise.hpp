// Reproducible noise for restarts: uniform, of a given norm, without libm, so that every target draws the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace blindspot {

// splitmix64: Steele, Lea & Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
class Noise {
 public:
  void seed(std::uint64_t value) { state_ = value; }

  std::uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Uniform in [-1, 1).
  double symmetric() { return static_cast<double>(static_cast<std::int64_t>(bits())) * 0x1p-63; }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace blindspot
