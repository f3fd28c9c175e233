// Speed of the vector kernels on every instruction set of this machine: vector_ops_bench
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "instruction_sets.hpp"
#include "linalg/vector_ops.hpp"
#include "memory/arena.hpp"

namespace {

template <typename Call>
double best_seconds(std::size_t n, Call call) {
  const int repeats = n > 10000 ? 20 : 2000;
  double best = 1e300;
  for (int round = 0; round < 15; ++round) {
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) call();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    best = std::fmin(best, seconds / repeats);
  }
  return best;
}

template <typename T>
void measure(const std::string& set, std::size_t n) {
  constexpr std::size_t kVectors = 30;
  const UseInstructionSet use(set);
  const blindspot::VectorOps<T>& ops = blindspot::vector_ops<T>();
  blindspot::Arena arena;
  if (!arena.reserve((kVectors + 2) * (n * sizeof(T) + 256))) return;
  std::vector<T*> v;
  for (std::size_t k = 0; k < kVectors; ++k) {
    v.push_back(arena.take<T>(n + (n * sizeof(T) / 64 % 2 == 0 ? 16 : 0)));
    for (std::size_t i = 0; i < n; ++i) {
      v.back()[i] = static_cast<T>(0.5 + 0.3 * std::sin(1.1 * static_cast<double>(i + k)));
    }
  }
  T* lower = arena.take<T>(n);
  T* upper = arena.take<T>(n);
  for (std::size_t i = 0; i < n; ++i) upper[i] = T(2);
  std::vector<double> out(3 * kVectors);
  const std::vector<double> coefficients(kVectors, 0.01);
  volatile double sink = 0.0;
  const double dot = best_seconds(n, [&] { sink = ops.dot(v[0], v[1], n); });
  const double multi = best_seconds(n, [&] { ops.multi_dot(v.data(), 20, v[25], n, out.data()); });
  const double triple = best_seconds(n, [&] { ops.triple_dot(v.data(), 20, v.data() + 25, n, out.data()); });
  const double combine = best_seconds(n, [&] { ops.combine(coefficients.data(), v.data(), 21, v[28], n); });
  const double axpy = best_seconds(n, [&] { ops.axpy(1e-9, v[0], v[1], n); });
  const double scan =
      best_seconds(n, [&] { sink = ops.scan_gradient(v[0], v[1], lower, upper, v[2], v[28], v[29], n).pg_norm; });
  const double pair =
      best_seconds(n, [&] { sink = ops.make_pair(v[0], v[1], v[2], v[3], v[4], v[27], v[28], v[29], n).sy; });
  const double project =
      best_seconds(n, [&] { sink = ops.project_step(v[0], v[1], lower, upper, v[4], v[28], v[29], n).slope; });
  const double flops = 2e-9 * static_cast<double>(n);
  std::printf(
      "%-7s %s n=%-6zu GFLOP/s: dot %5.1f  20 dots %5.1f  3x20 dots %5.1f  combine 21 %5.1f  axpy %5.1f   "
      "ns: scan %.0f  pair %.0f  project %.0f\n",
      set.c_str(), sizeof(T) == 4 ? "float " : "double", n, flops / dot, 20 * flops / multi, 60 * flops / triple,
      21 * flops / combine, flops / axpy, 1e9 * scan, 1e9 * pair, 1e9 * project);
}

}  // namespace

int main() {
  for (const std::string& set : instruction_sets()) {
    for (const std::size_t n : {std::size_t{784}, std::size_t{150528}}) {
      measure<float>(set, n);
      measure<double>(set, n);
    }
  }
}
