// Memory aligned to a cache line, the widest vector register too.
#pragma once

#include <cstddef>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#elif defined(__unix__) && !defined(__EMSCRIPTEN__)
#define BLINDSPOT_MAPS_PAGES
#include <sys/mman.h>
#endif

namespace blindspot {

inline constexpr std::size_t kAlignment = 64;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// From here on a block is mapped by itself, so that it goes back to the system when it is freed. In the C library's heap a freed
// aligned block is too small for the next one of its size (which asks for room to align), and glibc's heap grew by each.
inline constexpr std::size_t kMapped = std::size_t{1} << 20;

// Null when there is no memory.
inline void* aligned_allocate(std::size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(round_up(bytes, kAlignment), kAlignment);
#else
#if defined(BLINDSPOT_MAPS_PAGES)
  if (bytes >= kMapped) {
    void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? nullptr : pages;
  }
#endif
  return std::aligned_alloc(kAlignment, round_up(bytes, kAlignment));
#endif
}

// bytes: as it was allocated.
inline void aligned_free(void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
#if defined(BLINDSPOT_MAPS_PAGES)
  if (memory != nullptr && bytes >= kMapped) {
    munmap(memory, bytes);
    return;
  }
#endif
  std::free(memory);
#endif
}

}  // namespace blindspot
