// Writes fixtures/search_bits.txt from this machine's kernels: see search_bits.hpp.
#include "search_bits.hpp"

int main() {
  for (const std::string& line : search_bits_lines()) std::printf("%s\n", line.c_str());
}
