// Whole searches repeat their recorded bits, on every instruction set of this machine and in WebAssembly.
#include "search_bits.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "instruction_sets.hpp"

// After a change of the method that is meant: scripts/fixtures.
TEST_CASE("the points of the boundary search have the recorded bits") {
  std::vector<std::string> recorded;
  std::ifstream file(BLINDSPOT_FIXTURES "/search_bits.txt");
  for (std::string line; std::getline(file, line);) recorded.push_back(line);
  REQUIRE(recorded.size() == 32);

  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    const std::vector<std::string> now = search_bits_lines();
    REQUIRE(now.size() == recorded.size());
    for (std::size_t i = 0; i < now.size(); ++i) CHECK(now[i] == recorded[i]);
  }
}
