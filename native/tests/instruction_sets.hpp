// The instruction sets that this build and machine have; the widest is put back when a test ends.
#pragma once

#include <string>
#include <vector>

#include "linalg/instruction_set.hpp"

inline std::vector<std::string> instruction_sets() {
  std::vector<std::string> sets;
  const std::string widest = blindspot::instruction_set_name();
  for (const char* name : {"scalar", "neon", "sse2", "avx2", "avx512", "simd128"}) {
    if (blindspot::use_instruction_set(name)) sets.push_back(name);
  }
  blindspot::use_instruction_set(widest.c_str());
  return sets;
}

class UseInstructionSet {
 public:
  explicit UseInstructionSet(const std::string& name) : before_(blindspot::instruction_set_name()) {
    blindspot::use_instruction_set(name.c_str());
  }
  ~UseInstructionSet() { blindspot::use_instruction_set(before_.c_str()); }

 private:
  std::string before_;
};
