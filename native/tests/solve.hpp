// Runs a step machine on a problem to its end.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "memory/arena.hpp"
#include "problems.hpp"

struct Run {
  bs_minimizer_status status = BS_MINIMIZER_EVALUATE;
  std::vector<double> x;
  std::vector<double> trace;  // f at each iterate
  double f = 0;
  double pg_norm = 0;
  int iterations = 0;
  int evaluations = 0;
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a over the bytes of every point evaluated and of the end
};

template <typename T>
void add_to_hash(std::uint64_t& hash, const T* values, std::size_t n) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values);
  for (std::size_t i = 0; i < n * sizeof(T); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
}

// Solver: Lbfgsb<T> or SpectralProjectedGradient<T>, created and with memory of its own.
template <typename T, typename Solver>
Run run_to_end(Solver& solver, const problems::Problem& problem) {
  const std::size_t n = problem.n();
  for (std::size_t i = 0; i < n; ++i) {
    solver.x()[i] = static_cast<T>(problem.start[i]);
    solver.lower()[i] = static_cast<T>(problem.lower[i]);
    solver.upper()[i] = static_cast<T>(problem.upper[i]);
  }
  Run run;
  std::vector<double> x(n), g(n);
  if (solver.start() != BS_OK) std::abort();
  do {
    add_to_hash(run.hash, solver.x(), n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(solver.x()[i]);
    const double f = problem.evaluate(x.data(), g.data());
    for (std::size_t i = 0; i < n; ++i) solver.gradient()[i] = static_cast<T>(g[i]);
    const int before = solver.iterations();
    run.status = solver.tell(f);
    if (solver.iterations() > before || solver.evaluations() == 1) run.trace.push_back(f);
  } while (run.status == BS_MINIMIZER_EVALUATE);
  add_to_hash(run.hash, solver.x(), n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(solver.x()[i]);
  run.x = x;
  run.f = solver.f();
  run.pg_norm = solver.pg_norm();
  run.iterations = solver.iterations();
  run.evaluations = solver.evaluations();
  return run;
}

template <typename T, template <typename> class Method>
Run solve(const problems::Problem& problem, const typename Method<T>::Options& chosen) {
  typename Method<T>::Options options = chosen;
  options.n = problem.n();
  blindspot::Arena arena;
  Method<T> solver;
  if (!arena.reserve(Method<T>::bytes(options)) || !solver.create(options, arena)) std::abort();
  return run_to_end<T>(solver, problem);
}
