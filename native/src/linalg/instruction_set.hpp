// Which set of vector kernels is in use. The widest one that the machine runs is chosen at first use.
#pragma once

namespace blindspot {

enum class InstructionSet { kScalar, kSse2, kAvx2, kAvx512, kSimd128 };

InstructionSet instruction_set();

// "sse2", "avx2", "avx512", "simd128", "neon" or "scalar".
const char* instruction_set_name();

// False when this build or this machine lacks the set. Tables that were fetched before stay as they are.
bool use_instruction_set(const char* name);

}  // namespace blindspot
