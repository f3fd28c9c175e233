// Writes fixtures/oracle.txt: what the original Fortran does on problems.hpp, in hexadecimal floats.
//
//   problem <name>
//   memory <m>
//   default <iterations> <evaluations> <f>     with factr 1e7, pgtol 1e-5
//   trace <count> <f at each iterate> …        of that run, at most 60
//   tight <iterations> <evaluations> <f>       with factr 10, pgtol 1e-9
//   x <stride> <count> <x[0]> <x[stride]> …    of that run
#include <algorithm>
#include <cstdio>

#include "oracle/fortran.hpp"

int main() {
  for (const problems::Problem& problem : problems::all()) {
    const int memory = static_cast<int>(problem.memory);
    const FortranRun loose = run_fortran(problem, memory, 1e7, 1e-5, 15000);
    const FortranRun tight = run_fortran(problem, memory, 10.0, 1e-9, 15000);
    std::printf("problem %s\nmemory %d\n", problem.name.c_str(), memory);
    std::printf("default %d %d %a\n", loose.iterations, loose.evaluations, loose.f);
    const std::size_t steps = std::min<std::size_t>(loose.trace.size(), 60);
    std::printf("trace %zu", steps);
    for (std::size_t i = 0; i < steps; ++i) std::printf(" %a", loose.trace[i]);
    std::printf("\ntight %d %d %a\n", tight.iterations, tight.evaluations, tight.f);
    const std::size_t stride = problem.n() <= 100 ? 1 : (problem.n() + 99) / 100;
    std::printf("x %zu %zu", stride, (problem.n() + stride - 1) / stride);
    for (std::size_t i = 0; i < problem.n(); i += stride) std::printf(" %a", tight.x[i]);
    std::printf("\n");
  }
}
