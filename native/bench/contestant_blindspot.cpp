#include <chrono>
#include <cstdlib>
#include <vector>

#include "contestant.hpp"
#include "memory/arena.hpp"
#include "optim/lbfgsb.hpp"

namespace {

template <typename T>
ContestantRun run(const Task& task) {
  const problems::Problem& problem = task.problem;
  const std::size_t n = problem.n();
  typename blindspot::Lbfgsb<T>::Options options;
  options.n = n;
  options.memory = static_cast<std::size_t>(task.memory);
  options.pg_tolerance = 0.0;
  options.f_tolerance = 0.0;
  options.max_iterations = task.iterations;
  blindspot::Arena arena;
  blindspot::Lbfgsb<T> solver;
  if (!arena.reserve(blindspot::Lbfgsb<T>::bytes(options)) || !solver.create(options, arena)) std::abort();
  for (std::size_t i = 0; i < n; ++i) {
    solver.x()[i] = static_cast<T>(problem.start[i]);
    solver.lower()[i] = static_cast<T>(problem.lower[i]);
    solver.upper()[i] = static_cast<T>(problem.upper[i]);
  }
  if (solver.start() != BS_OK) std::abort();
  std::vector<double> x(n), g(n);
  ContestantRun result;
  bs_minimizer_status status;
  do {
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(solver.x()[i]);
    result.f = problem.evaluate(x.data(), g.data());
    for (std::size_t i = 0; i < n; ++i) solver.gradient()[i] = static_cast<T>(g[i]);
    const auto before = std::chrono::steady_clock::now();
    status = solver.tell(result.f);
    result.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  } while (status == BS_MINIMIZER_EVALUATE);
  result.iterations = static_cast<int>(solver.iterations());
  result.evaluations = static_cast<int>(solver.evaluations());
  return result;
}

}  // namespace

ContestantRun run_blindspot_float(const Task& task) { return run<float>(task); }
ContestantRun run_blindspot_double(const Task& task) { return run<double>(task); }
