// Counts every allocation of the one program that includes it: the linker sends malloc and its kin past the counter
// (BLINDSPOT_WRAPS_MALLOC, see CMakeLists.txt); without the linker's help operator new counts alone.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

long allocations = 0;
std::size_t allocated_bytes = 0;  // all that was ever asked for
int nested = 0;                   // one allocator may call another

// Counts for as long as it lives nothing but itself.
class CountedAllocation {
 public:
  explicit CountedAllocation(std::size_t bytes) {
    if (nested++ > 0) return;
    ++allocations;
    allocated_bytes += bytes;
  }
  ~CountedAllocation() { --nested; }
};

}  // namespace

#if defined(BLINDSPOT_WRAPS_MALLOC)
extern "C" {
void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_realloc(void*, std::size_t);
void* __real_aligned_alloc(std::size_t, std::size_t);
int __real_posix_memalign(void**, std::size_t, std::size_t);
void* __wrap_malloc(std::size_t bytes) {
  const CountedAllocation counted(bytes);
  return __real_malloc(bytes);
}
void* __wrap_calloc(std::size_t count, std::size_t bytes) {
  const CountedAllocation counted(count * bytes);
  return __real_calloc(count, bytes);
}
void* __wrap_realloc(void* memory, std::size_t bytes) {
  const CountedAllocation counted(bytes);
  return __real_realloc(memory, bytes);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  const CountedAllocation counted(bytes);
  return __real_aligned_alloc(alignment, bytes);
}
int __wrap_posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  const CountedAllocation counted(bytes);
  return __real_posix_memalign(memory, alignment, bytes);
}
}
#endif

namespace {

void* counted_malloc(std::size_t bytes) {
  const CountedAllocation counted(bytes);
#if defined(BLINDSPOT_WRAPS_MALLOC)
  return __real_malloc(bytes);
#else
  return std::malloc(bytes);
#endif
}

}  // namespace

void* operator new(std::size_t bytes) {
  void* memory = counted_malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted_malloc(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
