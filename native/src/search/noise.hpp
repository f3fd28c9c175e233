// Reproducible noise for restarts: uniform, of a given norm, without libm, so that every target draws the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "linalg/search_ops.hpp"

namespace blindspot {

class Noise {
 public:
  // Lanes seeded by splitmix64 (Steele, Lea & Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).
  void seed(std::uint64_t value) {
    for (std::uint32_t& lane : lanes_) {
      value += 0x9e3779b97f4a7c15u;
      std::uint64_t z = value;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      lane = static_cast<std::uint32_t>(z ^ (z >> 31)) | 1u;  // from 0 xorshift does not move
    }
  }

  // out_i = around_i plus noise uniform in [-amplitude, amplitude), clipped to [lower, upper].
  void add(const float* around, float amplitude, float lower, float upper, std::size_t n, float* out) {
    search_ops().add_noise(around, amplitude, lower, upper, n, lanes_, out);
  }

 private:
  std::uint32_t lanes_[16] = {};
};

}  // namespace blindspot
