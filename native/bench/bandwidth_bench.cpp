// Bandwidth of one core by the size of what is gone over: bandwidth_bench ROUNDS BYTES...
// prints one JSON object. Two ways to go over memory, each the best of a round's passes:
//   triad  a = b + s c over three arrays (McCalpin's STREAM), 3 n elements counted, as STREAM counts them
//   read   a sum of one array with 64 partial sums, n elements counted
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void triad(float* __restrict a, const float* __restrict b, const float* __restrict c, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + 0.5f * c[i];
}

float sum(const float* a, std::size_t n) {
  constexpr std::size_t kSums = 64;
  float partial[kSums] = {};
  for (std::size_t i = 0; i + kSums <= n; i += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) partial[k] += a[i + k];
  }
  float total = 0.0f;
  for (float p : partial) total += p;
  return total;
}

// Bytes a second of the best pass; small arrays are gone over many times between two readings of the clock.
template <typename Pass>
double best_rate(double bytes, Pass pass) {
  const int passes = static_cast<int>(std::fmax(1.0, 4e7 / bytes));
  double best = 0.0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const double start = now();
    for (int i = 0; i < passes; ++i) pass();
    best = std::fmax(best, bytes * passes / (now() - start));
  }
  return best;
}

volatile float sink;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bandwidth_bench ROUNDS BYTES...\n");
    return 2;
  }
  const int rounds = std::atoi(argv[1]);
  std::printf("{\"runs\":[");
  const char* separator = "";
  for (int round = 0; round < rounds; ++round) {
    for (int k = 2; k < argc; ++k) {
      const double bytes = std::strtod(argv[k], nullptr);
      const std::size_t n = static_cast<std::size_t>(bytes / sizeof(float)) / 192 * 192;
      std::vector<float> memory(n, 1.0f);
      float* a = memory.data();
      const std::size_t third = n / 3;
      const double moved = static_cast<double>(n * sizeof(float));
      const double triad_rate = best_rate(moved, [&] {
        triad(a, a + third, a + 2 * third, third);
        sink = a[0];
      });
      const double read_rate = best_rate(moved, [&] { sink = sum(a, n); });
      std::printf("%s\n  {\"bytes\":%.0f,\"triad\":%.6g,\"read\":%.6g}", separator, bytes, triad_rate, read_rate);
      separator = ",";
    }
  }
  std::printf("\n]}\n");
}
