// Writes fixtures/same_bits.txt from this machine's kernels: see same_bits.hpp.
#include "same_bits.hpp"

int main() {
  for (const std::string& line : bits_lines()) std::printf("%s\n", line.c_str());
}
