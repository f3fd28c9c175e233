// Runs the fuzz target on random bytes, the same at every call: random_inputs [count]
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 10000;
  std::uint64_t state = 1;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  for (long run = 0; run < count; ++run) {
    std::vector<std::uint8_t> bytes(8 + next() % 400);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(next() >> 32);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%ld inputs\n", count);
}
