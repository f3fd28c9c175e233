// The original L-BFGS-B 3.0 (liblbfgsb), driven in reverse communication.
#pragma once

#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "problems.hpp"

extern "C" void setulb_(const int* n, const int* m, double* x, const double* l, const double* u, const int* nbd,
                        double* f, double* g, const double* factr, const double* pgtol, double* wa, int* iwa,
                        char* task, const int* iprint, char* csave, int* lsave, int* isave, double* dsave,
                        std::size_t task_length, std::size_t csave_length);

struct FortranRun {
  std::vector<double> x;
  std::vector<double> trace;  // f at each iterate
  double f = 0;
  int iterations = 0;
  int evaluations = 0;
  double seconds = 0;  // inside setulb
};

inline FortranRun run_fortran(const problems::Problem& problem, int m, double factr, double pgtol, int max_iterations) {
  const int n = static_cast<int>(problem.n());
  const std::size_t size = problem.n();
  const std::size_t memory = static_cast<std::size_t>(m);
  FortranRun run;
  run.x = problem.start;
  std::vector<double> g(size), work((2 * memory + 5) * size + 11 * memory * memory + 8 * memory);
  std::vector<int> kind(size), int_work(3 * size);
  for (std::size_t i = 0; i < size; ++i) {
    const bool lower = std::isfinite(problem.lower[i]);
    const bool upper = std::isfinite(problem.upper[i]);
    kind[i] = lower && upper ? 2 : lower ? 1 : upper ? 3 : 0;
  }
  char task[60];
  char csave[60];
  std::memset(task, ' ', sizeof task);
  std::memcpy(task, "START", 5);
  const int quiet = -1;
  int lsave[4];
  int isave[44];
  double dsave[29];
  const auto is = [&task](const char* word) { return std::memcmp(task, word, std::strlen(word)) == 0; };
  for (;;) {
    const auto before = std::chrono::steady_clock::now();
    setulb_(&n, &m, run.x.data(), problem.lower.data(), problem.upper.data(), kind.data(), &run.f, g.data(), &factr,
            &pgtol, work.data(), int_work.data(), task, &quiet, csave, lsave, isave, dsave, sizeof task, sizeof csave);
    run.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    if (is("FG")) {
      run.f = problem.evaluate(run.x.data(), g.data());
      ++run.evaluations;
      if (run.evaluations == 1) run.trace.push_back(run.f);
    } else if (is("NEW_X")) {
      run.trace.push_back(run.f);
      run.iterations = isave[29];
      if (run.iterations >= max_iterations) return run;
    } else {
      run.iterations = isave[29];
      return run;
    }
  }
}
