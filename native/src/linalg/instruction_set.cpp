#include "linalg/instruction_set.hpp"

#include <atomic>
#include <cstring>

#include "linalg/search_ops.hpp"
#include "linalg/vector_ops.hpp"
#include "linalg/x86_level.hpp"

namespace blindspot {

#define BLINDSPOT_DECLARE_SET(set)                          \
  namespace set {                                           \
  template <typename T>                                     \
  const VectorOps<T>& table();                              \
  const SearchOps& search_table();                          \
  extern template const VectorOps<float>& table<float>();   \
  extern template const VectorOps<double>& table<double>(); \
  }

#if defined(__x86_64__)
BLINDSPOT_DECLARE_SET(sse2)
BLINDSPOT_DECLARE_SET(avx2)
BLINDSPOT_DECLARE_SET(avx512)
#elif defined(__wasm_simd128__)
BLINDSPOT_DECLARE_SET(simd128)
#else
BLINDSPOT_DECLARE_SET(scalar)
#endif

namespace {

struct Entry {
  InstructionSet set;
  const char* name;
};

// Widest first.
#if defined(__x86_64__)
constexpr Entry kBuilt[] = {
    {InstructionSet::kAvx512, "avx512"}, {InstructionSet::kAvx2, "avx2"}, {InstructionSet::kSse2, "sse2"}};
#elif defined(__wasm_simd128__)
constexpr Entry kBuilt[] = {{InstructionSet::kSimd128, "simd128"}};
#elif defined(__aarch64__)
// Every such machine has it, and compilers make it of the 16-byte vectors.
constexpr Entry kBuilt[] = {{InstructionSet::kScalar, "neon"}};
#else
constexpr Entry kBuilt[] = {{InstructionSet::kScalar, "scalar"}};
#endif

bool machine_runs(InstructionSet set) {
#if defined(__x86_64__)
  static const int level = x86::level();
  if (set == InstructionSet::kAvx512) return level >= 4;
  if (set == InstructionSet::kAvx2) return level >= 3;
#endif
  static_cast<void>(set);
  return true;
}

const Entry* widest() {
  for (const Entry& entry : kBuilt) {
    if (machine_runs(entry.set)) return &entry;
  }
  return &kBuilt[sizeof kBuilt / sizeof kBuilt[0] - 1];
}

std::atomic<const Entry*> chosen{nullptr};

const Entry& current() {
  const Entry* entry = chosen.load(std::memory_order_acquire);
  if (entry == nullptr) {
    entry = widest();
    chosen.store(entry, std::memory_order_release);
  }
  return *entry;
}

}  // namespace

InstructionSet instruction_set() { return current().set; }

const char* instruction_set_name() { return current().name; }

bool use_instruction_set(const char* name) {
  if (name == nullptr) return false;
  for (const Entry& entry : kBuilt) {
    if (std::strcmp(entry.name, name) != 0 || !machine_runs(entry.set)) continue;
    chosen.store(&entry, std::memory_order_release);
    return true;
  }
  return false;
}

template <typename T>
const VectorOps<T>& vector_ops() {
#if defined(__x86_64__)
  switch (current().set) {
    case InstructionSet::kAvx512: return avx512::table<T>();
    case InstructionSet::kAvx2: return avx2::table<T>();
    default: return sse2::table<T>();
  }
#elif defined(__wasm_simd128__)
  return simd128::table<T>();
#else
  return scalar::table<T>();
#endif
}

const SearchOps& search_ops() {
#if defined(__x86_64__)
  switch (current().set) {
    case InstructionSet::kAvx512: return avx512::search_table();
    case InstructionSet::kAvx2: return avx2::search_table();
    default: return sse2::search_table();
  }
#elif defined(__wasm_simd128__)
  return simd128::search_table();
#else
  return scalar::search_table();
#endif
}

template const VectorOps<float>& vector_ops<float>();
template const VectorOps<double>& vector_ops<double>();

}  // namespace blindspot
