// The projected gradient says converged only where it is: not where its line search could not move.
#include "optim/projected_gradient.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "solve.hpp"

namespace {

using blindspot::SpectralProjectedGradient;

constexpr double kInf = std::numeric_limits<double>::infinity();

using Function = std::function<double(const double* x, double* g, std::size_t n)>;

Run minimise(const Function& function, std::vector<double> start) {
  SpectralProjectedGradient<double>::Options options;
  options.n = start.size();
  options.max_evaluations = 20000;
  options.max_iterations = 20000;
  blindspot::Arena arena;
  SpectralProjectedGradient<double> solver;
  REQUIRE(arena.reserve(SpectralProjectedGradient<double>::bytes(options)));
  REQUIRE(solver.create(options, arena));
  std::copy(start.begin(), start.end(), solver.x());
  std::fill_n(solver.lower(), options.n, -kInf);
  std::fill_n(solver.upper(), options.n, kInf);
  REQUIRE(solver.start() == BS_OK);
  Run run;
  do {
    run.status = solver.tell(function(solver.x(), solver.gradient(), options.n));
  } while (run.status == BS_MINIMIZER_EVALUATE);
  run.f = solver.f();
  run.evaluations = solver.evaluations();
  run.x.assign(solver.x(), solver.x() + options.n);
  return run;
}

double sphere(const double* x, double* g, std::size_t n) {
  double f = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    f += x[i] * x[i];
    g[i] = 2.0 * x[i];
  }
  return f;
}

// More, Garbow & Hillstrom 1981, problem 23.
double penalty_one(const double* x, double* g, std::size_t n) {
  double squares = -0.25;
  double f = 0.0;
  for (std::size_t i = 0; i < n; ++i) squares += x[i] * x[i];
  for (std::size_t i = 0; i < n; ++i) {
    f += 1e-5 * (x[i] - 1.0) * (x[i] - 1.0);
    g[i] = 2e-5 * (x[i] - 1.0) + 4.0 * squares * x[i];
  }
  return f + squares * squares;
}

}  // namespace

TEST_CASE("a function that is not finite beyond the start is no success") {
  const std::vector<double> start = {1.0, 2.0, 3.0};
  const Run run = minimise(
      [&](const double* x, double* g, std::size_t n) {
        const double f = sphere(x, g, n);
        return std::equal(x, x + n, start.begin()) ? f : std::numeric_limits<double>::quiet_NaN();
      },
      start);
  CHECK(run.status == BS_MINIMIZER_LINE_SEARCH);
  CHECK(run.x == start);
  CHECK(run.f == 14.0);
}

TEST_CASE("a gradient of the wrong sign is no success") {
  const std::vector<double> start = {1.0, 2.0, 3.0};
  const Run run = minimise(
      [](const double* x, double* g, std::size_t n) {
        const double f = sphere(x, g, n);
        for (std::size_t i = 0; i < n; ++i) g[i] = -g[i];
        return f;
      },
      start);
  CHECK(run.status == BS_MINIMIZER_LINE_SEARCH);
  CHECK(run.f <= 14.0);
}

TEST_CASE("Penalty I is followed to its minimum") {
  std::vector<double> start(100);
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<double>(i + 1);
  const Run run = minimise(penalty_one, start);
  CAPTURE(run.f);
  CAPTURE(run.evaluations);
  CHECK((run.status == BS_MINIMIZER_CONVERGED_F || run.status == BS_MINIMIZER_CONVERGED_PG));
  CHECK(run.f <= 1.01 * 9.0249e-4);  // 9.02491e-4 by More, Garbow & Hillstrom for n = 100
}
