// Memory aligned to a cache line, the widest vector register too.
#pragma once

#include <cstddef>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace blindspot {

inline constexpr std::size_t kAlignment = 64;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Null when there is no memory.
inline void* aligned_allocate(std::size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(round_up(bytes, kAlignment), kAlignment);
#else
  return std::aligned_alloc(kAlignment, round_up(bytes, kAlignment));
#endif
}

inline void aligned_free(void* memory) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace blindspot
