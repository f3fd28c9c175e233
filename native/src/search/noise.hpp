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

  // out_i = around_i plus noise uniform in [-amplitude, amplitude), clipped to [lower, upper]. Two elements a draw.
  void add(const float* around, float amplitude, float lower, float upper, std::size_t n, float* out) {
    const float unit = amplitude * 0x1p-31f;
    for (std::size_t i = 0; i < n; i += 2) {
      const std::uint64_t drawn = bits();
      const std::int32_t halves[2] = {static_cast<std::int32_t>(drawn), static_cast<std::int32_t>(drawn >> 32)};
      for (std::size_t j = i; j < n && j < i + 2; ++j) {
        const float value = around[j] + unit * static_cast<float>(halves[j - i]);
        const float raised = value > lower ? value : lower;
        out[j] = raised < upper ? raised : upper;
      }
    }
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace blindspot
