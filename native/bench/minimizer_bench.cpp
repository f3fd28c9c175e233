// Time of one L-BFGS-B iteration without the function, against the original Fortran on the same problem:
//   minimizer_bench [n] [m]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "linalg/instruction_set.hpp"
#include "optim/lbfgsb.hpp"
#include "oracle/fortran.hpp"
#include "solve.hpp"

namespace {

constexpr int kIterations = 200;
constexpr int kRounds = 9;

problems::Problem quadratic(std::size_t n, const char* name, double lower, double upper) {
  problems::Random random(11);
  problems::Problem p{name, true, std::vector<double>(n, 0.5), std::vector<double>(n, lower), std::vector<double>(n, upper), {}, 0.0};
  p.evaluate = problems::Quadratic(n, 3, 1e4, random);
  return p;
}

struct Timing {
  double nanoseconds = 1e300;  // an iteration, the best round
  int iterations = 0;
  int evaluations = 0;
};

template <typename T>
Timing ours(const problems::Problem& problem, std::size_t m) {
  typename blindspot::Lbfgsb<T>::Options options;
  options.n = problem.n();
  options.memory = m;
  options.pg_tolerance = 0.0;
  options.f_tolerance = 0.0;
  options.max_iterations = kIterations;
  blindspot::Arena arena;
  blindspot::Lbfgsb<T> solver;
  if (!arena.reserve(blindspot::Lbfgsb<T>::bytes(options)) || !solver.create(options, arena)) std::abort();
  const std::size_t n = problem.n();
  std::vector<double> x(n), g(n);
  Timing timing;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      solver.x()[i] = static_cast<T>(problem.start[i]);
      solver.lower()[i] = static_cast<T>(problem.lower[i]);
      solver.upper()[i] = static_cast<T>(problem.upper[i]);
    }
    if (solver.start() != BS_OK) std::abort();
    double seconds = 0.0;
    bs_minimizer_status status;
    do {
      for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(solver.x()[i]);
      const double f = problem.evaluate(x.data(), g.data());
      for (std::size_t i = 0; i < n; ++i) solver.gradient()[i] = static_cast<T>(g[i]);
      const auto before = std::chrono::steady_clock::now();
      status = solver.tell(f);
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    } while (status == BS_MINIMIZER_EVALUATE);
    timing.iterations = solver.iterations();
    timing.evaluations = solver.evaluations();
    timing.nanoseconds = std::min(timing.nanoseconds, 1e9 * seconds / timing.iterations);
  }
  return timing;
}

Timing fortran(const problems::Problem& problem, std::size_t m) {
  Timing timing;
  for (int round = 0; round < kRounds; ++round) {
    const FortranRun run = run_fortran(problem, static_cast<int>(m), 0.0, 0.0, kIterations);
    timing.iterations = run.iterations;
    timing.evaluations = run.evaluations;
    timing.nanoseconds = std::min(timing.nanoseconds, 1e9 * run.seconds / run.iterations);
  }
  return timing;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 784;
  const std::size_t m = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10;
  std::printf("n=%zu m=%zu %s; ns an iteration (iterations, evaluations)\n", n, m, blindspot::instruction_set_name());
  for (const problems::Problem& problem :
       {quadratic(n, "no bounds", -problems::kInfinity, problems::kInfinity), quadratic(n, "wide box", -100.0, 100.0),
        quadratic(n, "tight box", 0.0, 1e-4), problems::pixels_problem(n)}) {
    const Timing theirs = fortran(problem, m);
    const Timing single = ours<float>(problem, m);
    const Timing twice = ours<double>(problem, m);
    std::printf("%-14s setulb %8.0f (%d, %d)   float %7.0f = 1/%.1f (%d, %d)   double %7.0f = 1/%.1f (%d, %d)\n",
                problem.name.c_str(), theirs.nanoseconds, theirs.iterations, theirs.evaluations, single.nanoseconds,
                theirs.nanoseconds / single.nanoseconds, single.iterations, single.evaluations, twice.nanoseconds,
                theirs.nanoseconds / twice.nanoseconds, twice.iterations, twice.evaluations);
  }
}
