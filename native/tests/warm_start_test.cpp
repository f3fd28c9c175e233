// Starting again on the same memory: cold it repeats itself, warm it profits from what it knows.
#include <doctest/doctest.h>

#include "optim/lbfgsb.hpp"
#include "optim/projected_gradient.hpp"
#include "solve.hpp"

namespace {

// A quadratic whose linear term can be moved a little between runs, as the penalty search moves its weight.
struct Family {
  problems::Quadratic quadratic;
  double shift = 0.0;

  double operator()(const double* x, double* g) const {
    double f = quadratic(x, g);
    for (std::size_t i = 0; i < quadratic.n; ++i) {
      g[i] += shift * quadratic.b[i];
      f += shift * quadratic.b[i] * x[i];
    }
    return f;
  }
};

template <typename Solver>
void run(Solver& solver, const Family& family, bool keep) {
  REQUIRE(solver.start(keep) == BS_OK);
  double f;
  do {
    f = family(solver.x(), solver.gradient());
  } while (solver.tell(f) == BS_MINIMIZER_EVALUATE);
}

double largest_residual(const Family& family, const double* x, const double* lower, const double* upper) {
  std::vector<double> g(family.quadratic.n);
  family(x, g.data());
  double residual = 0.0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    residual = std::fmax(residual, std::fabs(std::fmin(std::fmax(x[i] - g[i], lower[i]), upper[i]) - x[i]));
  }
  return residual;
}

}  // namespace

TEST_CASE("a warm start with the pairs of the run before takes fewer evaluations than a warm start without") {
  int with_pairs = 0;
  int without = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    problems::Random random(seed);
    Family family{problems::Quadratic(60, 6, 100.0, random)};
    blindspot::Lbfgsb<double>::Options options;
    options.n = 60;
    for (const bool keep : {false, true}) {
      blindspot::Arena arena;
      blindspot::Lbfgsb<double> solver;
      REQUIRE(arena.reserve(blindspot::Lbfgsb<double>::bytes(options)));
      REQUIRE(solver.create(options, arena));
      for (std::size_t i = 0; i < 60; ++i) {
        solver.lower()[i] = -0.1;
        solver.upper()[i] = i % 3 == 0 ? 0.02 : 0.5;
      }
      for (int step = 0; step < 6; ++step) {
        family.shift = 0.01 * step;
        run(solver, family, keep);
        if (step > 0) (keep ? with_pairs : without) += solver.evaluations();
        CHECK(solver.status() != BS_MINIMIZER_LINE_SEARCH);
        CHECK(largest_residual(family, solver.x(), solver.lower(), solver.upper()) <= 1e-3);
      }
    }
  }
  CHECK(with_pairs < without);
}

TEST_CASE("pairs are not carried from a problem without bounds, whose products with s were never formed, to one with") {
  problems::Random random(4);
  const Family family{problems::Quadratic(40, 4, 50.0, random)};
  blindspot::Lbfgsb<double>::Options options;
  options.n = 40;
  options.pg_tolerance = 1e-8;
  options.f_tolerance = 0.0;
  blindspot::Arena arena;
  blindspot::Lbfgsb<double> solver;
  REQUIRE(arena.reserve(blindspot::Lbfgsb<double>::bytes(options)));
  REQUIRE(solver.create(options, arena));
  run(solver, family, false);
  for (std::size_t i = 0; i < 40; ++i) solver.upper()[i] = 0.01;
  run(solver, family, true);
  CHECK(largest_residual(family, solver.x(), solver.lower(), solver.upper()) <= 1e-6);
  // The box may change between warm starts in any way.
  for (std::size_t i = 0; i < 40; ++i) solver.lower()[i] = i % 2 == 0 ? 0.0 : -0.01;
  run(solver, family, true);
  CHECK(largest_residual(family, solver.x(), solver.lower(), solver.upper()) <= 1e-6);
}

TEST_CASE("the budget may be changed between starts") {
  const problems::Problem problem = problems::all()[2];
  blindspot::Lbfgsb<float>::Options options;
  options.n = problem.n();
  blindspot::Arena arena;
  blindspot::Lbfgsb<float> solver;
  REQUIRE(arena.reserve(blindspot::Lbfgsb<float>::bytes(options)));
  REQUIRE(solver.create(options, arena));
  solver.set_max_evaluations(5);
  CHECK(run_to_end<float>(solver, problem).evaluations == 5);
  solver.set_max_evaluations(10000);
  solver.set_max_iterations(3);
  CHECK(run_to_end<float>(solver, problem).iterations == 3);
  solver.set_max_iterations(10000);
  solver.set_tolerances(1e6, 0.0);
  CHECK(run_to_end<float>(solver, problem).status == BS_MINIMIZER_CONVERGED_PG);
}
