#include "contestant.hpp"
#include "oracle/fortran.hpp"

ContestantRun run_setulb(const Task& task) {
  const FortranRun run = run_fortran(task.problem, task.memory, 0.0, 0.0, task.iterations);
  return {run.seconds, run.iterations, run.evaluations, run.f};
}
