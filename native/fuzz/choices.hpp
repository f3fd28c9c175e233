// The input of a fuzz target, read as a sequence of choices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

// Reads the input as choices; zeros when it is used up.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  unsigned byte() { return at_ < size_ ? data_[at_++] : 0U; }
  unsigned below(unsigned n) { return byte() % n; }
  // Mostly small numbers, some huge, tiny or special.
  double number() {
    const unsigned kind = byte();
    const double value = (static_cast<double>(byte()) - 127.5) / 32.0;
    switch (kind % 16) {
      case 0: return 0.0;
      case 1: return value * 1e30;
      case 2: return value * 1e-30;
      case 3: return value * 1e5;
      case 4: return kind > 200 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
      default: return value;
    }
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};
