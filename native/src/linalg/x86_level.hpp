// Which level of x86-64 the machine and its operating system run (x86-64 psABI, section 3.1.1), asked of the processor itself:
// __builtin_cpu_supports says no to everything where a compiler's runtime library lacks the table behind it, as zig's does.
#pragma once

#if defined(__x86_64__)

#include <cpuid.h>

namespace blindspot {

namespace x86 {

inline bool has_all(unsigned word, unsigned wanted) { return (word & wanted) == wanted; }

// State that the operating system saves: XCR0, to be read where CPUID says OSXSAVE.
inline unsigned saved_state() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// 1, 3 or 4; what lies between is not told apart.
inline int level() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  // SSE3, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C.
  constexpr unsigned kBasic = 1u << 0 | 1u << 9 | 1u << 12 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 22 | 1u << 23 |
                              1u << 27 | 1u << 28 | 1u << 29;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !has_all(ecx, kBasic)) return 1;
  // LAHF, LZCNT.
  if (!__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) || !has_all(ecx, 1u << 0 | 1u << 5)) return 1;
  // BMI1, AVX2, BMI2.
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !has_all(ebx, 1u << 3 | 1u << 5 | 1u << 8)) return 1;
  const unsigned saved = saved_state();
  // Registers of 128 and 256 bits; mask registers, and both halves of those of 512.
  if (!has_all(saved, 1u << 1 | 1u << 2)) return 1;
  // AVX512F, AVX512DQ, AVX512CD, AVX512BW, AVX512VL.
  const bool wide = has_all(ebx, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31);
  return wide && has_all(saved, 1u << 5 | 1u << 6 | 1u << 7) ? 4 : 3;
}

}  // namespace x86

}  // namespace blindspot

#endif
