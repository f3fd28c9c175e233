// One optimiser in the benchmark: it minimises a problem for so many iterations and tells how long it took without the
// function. The seconds are summed from clock readings around the optimiser's own steps, or, where it calls the function
// back, taken as the whole less the calls.
#pragma once

#include <cstddef>

#include "problems.hpp"

struct ContestantRun {
  double seconds = 0.0;  // without the function
  int iterations = 0;    // those made, which may be fewer than asked for
  int evaluations = 0;
  double f = 0.0;  // the last value
};

struct Task {
  const problems::Problem& problem;
  int memory;
  int iterations;
};

ContestantRun run_blindspot_float(const Task& task);
ContestantRun run_blindspot_double(const Task& task);
ContestantRun run_setulb(const Task& task);
ContestantRun run_lbfgspp_float(const Task& task);
ContestantRun run_lbfgspp_double(const Task& task);
