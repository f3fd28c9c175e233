// Time of one L-BFGS-B iteration without the function, contestant after contestant, round after round:
//   optimiser_bench N MEMORY ITERATIONS ROUNDS
// prints one JSON object. Every run of a contestant is told, in the order in which it was made.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "contestant.hpp"
#include "linalg/instruction_set.hpp"

namespace {

struct Contestant {
  const char* name;
  ContestantRun (*run)(const Task& task);
};

const Contestant kContestants[] = {
    {"blindspot float", run_blindspot_float},
    {"blindspot double", run_blindspot_double},
#ifdef BLINDSPOT_HAS_FORTRAN
    {"setulb", run_setulb},
#endif
#ifdef BLINDSPOT_HAS_LBFGSPP
    {"LBFGSpp float", run_lbfgspp_float},
    {"LBFGSpp double", run_lbfgspp_double},
#endif
};

// A quadratic, 1/2 x^T A x - b^T x, A = three outer products + a diagonal from 1 to 1e4. `active` of the variables have
// a bound half-way to where the diagonal alone would send them, and stay there; the others are free to the end.
problems::Problem quadratic(std::size_t n, const char* name, double active) {
  problems::Random random(11);
  problems::Problem p{
      name, true, std::vector<double>(n, 0.5), std::vector<double>(n, -100.0), std::vector<double>(n, 100.0), {}, 0.0};
  const problems::Quadratic function(n, 3, 1e4, random);
  for (std::size_t i = 0; i < n; ++i) {
    if (random.uniform() >= active) continue;
    const double middle = 0.5 * function.b[i] / function.diagonal[i];
    (middle > 0.0 ? p.upper : p.lower)[i] = middle;
  }
  p.evaluate = function;
  return p;
}

void print(const char* problem, const char* contestant, const ContestantRun& run, bool first) {
  std::printf(
      "%s\n    {\"problem\":\"%s\",\"contestant\":\"%s\",\"seconds\":%.9g,\"iterations\":%d,\"evaluations\":%d,"
      "\"f\":%.17g}",
      first ? "" : ",", problem, contestant, run.seconds, run.iterations, run.evaluations, run.f);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: optimiser_bench N MEMORY ITERATIONS ROUNDS\n");
    return 2;
  }
  const std::size_t n = std::strtoul(argv[1], nullptr, 10);
  const int memory = std::atoi(argv[2]);
  const int iterations = std::atoi(argv[3]);
  const int rounds = std::atoi(argv[4]);
  std::printf("{\n  \"n\":%zu,\"memory\":%d,\"instructionSet\":\"%s\",\"runs\":[", n, memory,
              blindspot::instruction_set_name());
  bool first = true;
  const problems::Problem problems[] = {quadratic(n, "all free", 0.0), quadratic(n, "70 % at a bound", 0.7)};
  for (int round = 0; round < rounds; ++round) {
    for (const problems::Problem& problem : problems) {
      for (const Contestant& contestant : kContestants) {
        print(problem.name.c_str(), contestant.name, contestant.run({problem, memory, iterations}), first);
        first = false;
      }
    }
  }
  std::printf("\n  ]\n}\n");
}
