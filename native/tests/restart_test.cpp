// Starting again on the same memory.
#include <doctest/doctest.h>

#include "optim/lbfgsb.hpp"
#include "solve.hpp"

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
