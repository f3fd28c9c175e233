// Whole runs repeat their recorded bits, on every instruction set of this machine and in WebAssembly.
#include "same_bits.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "instruction_sets.hpp"

TEST_CASE("the iterates of L-BFGS-B and SPG, float and double, have the recorded bits") {
  std::vector<std::string> recorded;
  std::ifstream file(BLINDSPOT_FIXTURES "/same_bits.txt");
  for (std::string line; std::getline(file, line);) recorded.push_back(line);
  REQUIRE(recorded.size() >= 60);

  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    const std::vector<std::string> now = bits_lines();
    REQUIRE(now.size() == recorded.size());
    for (std::size_t i = 0; i < now.size(); ++i) CHECK(now[i] == recorded[i]);
  }
}
