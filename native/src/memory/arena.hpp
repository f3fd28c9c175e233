// One aligned block, reserved when a handle is created; everything the handle owns is carved from it.
// Nothing is given back before the arena dies, and a taker never allocates.
//
// A class that lives in an arena describes its memory once:
//
//   template <typename Source> void carve(Source& source) { x_ = source.template take<T>(n_); … }
//
// and runs that with an ArenaMeter to learn its size and with an Arena to get its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "memory/aligned.hpp"

namespace blindspot {

class ArenaMeter {
 public:
  template <typename T>
  T* take(std::size_t count) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(count) * sizeof(T);
    bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return nullptr;
  }

  // SIZE_MAX, which no arena reserves, when the machine cannot address that much.
  std::size_t bytes() const { return bytes_ > SIZE_MAX ? SIZE_MAX : static_cast<std::size_t>(bytes_); }

 private:
  std::uint64_t bytes_ = 0;
};

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { aligned_free(memory_, whole_); }

  // Takes the whole block, zeroed. False when there is no memory. To be called once.
  bool reserve(std::size_t bytes) {
    if (memory_ != nullptr || bytes > SIZE_MAX / 2) return false;
    const std::size_t whole = round_up(bytes, kAlignment);
    whole_ = whole == 0 ? kAlignment : whole;
    memory_ = static_cast<unsigned char*>(aligned_allocate(whole_));
    if (memory_ == nullptr) return false;
    std::memset(memory_, 0, whole);
    size_ = whole;
    return true;
  }

  // count zeroed elements on a 64-byte boundary, or null when the block is used up.
  template <typename T>
  T* take(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>, "an arena runs no destructors");
    const std::size_t bytes = round_up(count * sizeof(T), kAlignment);
    if (bytes > size_ - used_) return nullptr;
    unsigned char* start = memory_ + used_;
    used_ += bytes;
    return reinterpret_cast<T*>(start);
  }

  std::size_t available() const { return size_ - used_; }

 private:
  unsigned char* memory_ = nullptr;
  std::size_t whole_ = 0;  // bytes allocated
  std::size_t size_ = 0;
  std::size_t used_ = 0;
};

}  // namespace blindspot
