// Nothing is allocated after create: every allocation of the program passes a counter.
#include <doctest/doctest.h>

#include "allocation_counter.hpp"
#include "blindspot/blindspot.h"
#include "optim/lbfgsb.hpp"
#include "optim/projected_gradient.hpp"
#include "problems.hpp"

namespace {

// The allocations of a whole run, start to end, twice; the gradient is written without a vector of our own.
template <typename Solver>
long allocations_of_runs(Solver& solver, const problems::Problem& problem) {
  const std::size_t n = problem.n();
  const long before = allocations;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < n; ++i) solver.x()[i] = problem.start[i];
    if (solver.start() != BS_OK) return -1;
    double f;
    do {
      f = problem.evaluate(solver.x(), solver.gradient());
    } while (solver.tell(f) == BS_MINIMIZER_EVALUATE);
  }
  return allocations - before;
}

}  // namespace

TEST_CASE("the counter counts") {
  const long before = allocations;
  void* memory = ::operator new(24);  // a call, which no compiler may leave out
  const long after = allocations;
  ::operator delete(memory);
  CHECK(after > before);
}

TEST_CASE_TEMPLATE("no allocation after create, on any problem", Solver, blindspot::Lbfgsb<double>,
                   blindspot::SpectralProjectedGradient<double>) {
  for (const problems::Problem& problem : problems::all()) {
    if (problem.n() > 2000) continue;
    CAPTURE(problem.name);
    typename Solver::Options options;
    options.n = problem.n();
    options.memory = 4;
    options.max_evaluations = 300;
    blindspot::Arena arena;
    Solver solver;
    REQUIRE(arena.reserve(Solver::bytes(options)));
    REQUIRE(solver.create(options, arena));
    for (std::size_t i = 0; i < problem.n(); ++i) {
      solver.lower()[i] = problem.lower[i];
      solver.upper()[i] = problem.upper[i];
    }
    CHECK(allocations_of_runs(solver, problem) == 0);
  }
}

TEST_CASE("no allocation through the C functions after create") {
  const bs_minimizer_options options = {2.0, 64.0, BS_METHOD_LBFGSB, 10.0, 1e-5, 2.2e-9, 1000.0, 1000.0};
  bs_minimizer* minimizer = nullptr;
  const long before_create = allocations;
  REQUIRE(bs_minimizer_create(&options, &minimizer) == BS_OK);
  CHECK(allocations > before_create);
  const long before = allocations;
  double* x = static_cast<double*>(bs_minimizer_x(minimizer));
  double* g = static_cast<double*>(bs_minimizer_gradient(minimizer));
  static_cast<double*>(bs_minimizer_upper(minimizer))[0] = 0.5;
  x[0] = -1.2;
  x[1] = 1.0;
  int32_t status = bs_minimizer_start(minimizer);
  bs_minimizer_result result;
  do {
    status |= bs_minimizer_tell(minimizer, problems::rosenbrock2(x, g));
    bs_minimizer_get_result(minimizer, &result);
  } while (result.status == static_cast<double>(BS_MINIMIZER_EVALUATE));
  const long during = allocations - before;
  CHECK(during == 0);
  CHECK(status == BS_OK);
  CHECK(result.f == doctest::Approx(0.25));
  bs_minimizer_free(minimizer);
}

TEST_CASE("an arena that is too small makes create answer false") {
  blindspot::Lbfgsb<float>::Options options;
  options.n = 100;
  blindspot::Arena arena;
  blindspot::Lbfgsb<float> solver;
  REQUIRE(arena.reserve(blindspot::Lbfgsb<float>::bytes(options) - 64));
  CHECK_FALSE(solver.create(options, arena));
}

TEST_CASE("several solvers share one arena, which their sizes fill exactly") {
  blindspot::Lbfgsb<float>::Options options;
  options.n = 77;
  const std::size_t each = blindspot::Lbfgsb<float>::bytes(options);
  blindspot::Arena arena;
  REQUIRE(arena.reserve(3 * each));
  blindspot::Lbfgsb<float> solvers[3];
  for (auto& solver : solvers) {
    REQUIRE(solver.create(options, arena));
    CHECK(reinterpret_cast<std::uintptr_t>(solver.x()) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(solver.gradient()) % 64 == 0);
  }
  CHECK(arena.available() == 0);
}
