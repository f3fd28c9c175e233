// Against the original Fortran, whose runs fixtures/oracle.txt records (scripts/fixtures).
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "optim/lbfgsb.hpp"
#include "optim/projected_gradient.hpp"
#include "solve.hpp"

namespace {

struct Recorded {
  std::size_t memory = 0, stride = 1;
  int iterations = 0, evaluations = 0, tight_iterations = 0, tight_evaluations = 0;
  double f = 0, tight_f = 0;
  std::vector<double> trace, x;
};

std::vector<double> read_list(std::istringstream& line) {
  std::size_t count = 0;
  line >> count;
  std::vector<double> list;
  std::string text;
  while (list.size() < count && line >> text) list.push_back(std::strtod(text.c_str(), nullptr));
  return list;
}

std::map<std::string, Recorded> read_oracle() {
  std::map<std::string, Recorded> all;
  std::ifstream file(BLINDSPOT_FIXTURES "/oracle.txt");
  std::string text, name, word, number;
  while (std::getline(file, text)) {
    std::istringstream line(text);
    line >> word;
    Recorded& now = all[name];
    if (word == "problem") {
      name = text.substr(8);
    } else if (word == "memory") {
      line >> now.memory;
    } else if (word == "default") {
      line >> now.iterations >> now.evaluations >> number;
      now.f = std::strtod(number.c_str(), nullptr);
    } else if (word == "tight") {
      line >> now.tight_iterations >> now.tight_evaluations >> number;
      now.tight_f = std::strtod(number.c_str(), nullptr);
    } else if (word == "trace") {
      now.trace = read_list(line);
    } else if (word == "x") {
      line >> now.stride;
      now.x = read_list(line);
    }
  }
  all.erase("");
  return all;
}

// Within a fifth, or two: on short runs a fifth is less than one step.
void check_count(int ours, int theirs) {
  CHECK(ours <= theirs + std::max(2, theirs / 5));
  CHECK(ours >= theirs - std::max(2, theirs / 5));
}

blindspot::Lbfgsb<double>::Options options_for(const Recorded& recorded, double factr, double pg_tolerance) {
  blindspot::Lbfgsb<double>::Options options;
  options.memory = recorded.memory;
  options.f_tolerance = factr * std::numeric_limits<double>::epsilon();
  options.pg_tolerance = pg_tolerance;
  return options;
}

}  // namespace

TEST_CASE("the fixture covers every problem") {
  const auto oracle = read_oracle();
  CHECK(oracle.size() == problems::all().size());
  CHECK(oracle.size() >= 15);
}

TEST_CASE("L-BFGS-B follows the Fortran: as many iterations and evaluations, the same f on the way") {
  const auto oracle = read_oracle();
  for (const problems::Problem& problem : problems::all()) {
    CAPTURE(problem.name);
    REQUIRE(oracle.count(problem.name) == 1);
    const Recorded& recorded = oracle.at(problem.name);
    const Run run = solve<double, blindspot::Lbfgsb>(problem, options_for(recorded, 1e7, 1e-5));
    check_count(run.iterations, recorded.iterations);
    check_count(run.evaluations, recorded.evaluations);
    CHECK(std::fabs(run.f - recorded.f) <= 1e-6 * std::fmax(1.0, std::fabs(recorded.f)));
    CHECK((run.status == BS_MINIMIZER_CONVERGED_PG || run.status == BS_MINIMIZER_CONVERGED_F));
    // Rounding separates the two paths slowly; the first ten iterates agree to many digits.
    const std::size_t steps = std::min<std::size_t>({10, run.trace.size(), recorded.trace.size()});
    for (std::size_t k = 0; k < steps; ++k) {
      CAPTURE(k);
      const double scale = std::fmax(std::fabs(recorded.trace[k]), 1e-8 * std::fabs(recorded.trace[0]));
      CHECK(std::fabs(run.trace[k] - recorded.trace[k]) <= 1e-7 * scale);
    }
  }
}

TEST_CASE("L-BFGS-B finds the Fortran's minimiser to 1e-6, and the known minimum") {
  const auto oracle = read_oracle();
  for (const problems::Problem& problem : problems::all()) {
    CAPTURE(problem.name);
    REQUIRE(oracle.count(problem.name) == 1);
    const Recorded& recorded = oracle.at(problem.name);
    const Run run = solve<double, blindspot::Lbfgsb>(problem, options_for(recorded, 10.0, 1e-9));
    if (problem.exact) {  // else the last steps, at the level of rounding, hang on the machine's sin and log
      check_count(run.iterations, recorded.tight_iterations);
      check_count(run.evaluations, recorded.tight_evaluations);
    }
    REQUIRE((recorded.x.size() - 1) * recorded.stride < run.x.size());
    for (std::size_t k = 0; k < recorded.x.size(); ++k) {
      const double theirs = recorded.x[k];
      CHECK(std::fabs(run.x[k * recorded.stride] - theirs) <= 1e-6 * std::fmax(1.0, std::fabs(theirs)));
    }
    if (!std::isnan(problem.minimum)) {
      CHECK(std::fabs(run.f - problem.minimum) <= 1e-8 * std::fmax(1.0, std::fabs(problem.minimum)));
    }
    for (std::size_t i = 0; i < problem.n(); ++i) {
      const bool inside = run.x[i] >= problem.lower[i] && run.x[i] <= problem.upper[i];
      REQUIRE(inside);
    }
  }
}

TEST_CASE("bounded Rosenbrock ends at (0.5, 0.25) with f = 0.25 after 20 iterations and 31 evaluations") {
  blindspot::Lbfgsb<double>::Options options;
  options.memory = 5;
  const Run run = solve<double, blindspot::Lbfgsb>(problems::all()[0], options);
  CHECK(run.x[0] == 0.5);
  CHECK(run.x[1] == doctest::Approx(0.25).epsilon(1e-6));
  CHECK(run.f == doctest::Approx(0.25).epsilon(1e-10));
  CHECK(run.iterations == 20);
  CHECK(run.evaluations == 31);
}

TEST_CASE("L-BFGS-B in float comes to the same minimum, as near as float can tell") {
  const auto oracle = read_oracle();
  for (const problems::Problem& problem : problems::all()) {
    // HS25 is flat beyond float's gradients.
    if (problem.name == "HS25") continue;
    CAPTURE(problem.name);
    const Recorded& recorded = oracle.at(problem.name);
    blindspot::Lbfgsb<float>::Options options;
    options.memory = recorded.memory;
    options.f_tolerance = 1e-9;
    const Run run = solve<float, blindspot::Lbfgsb>(problem, options);
    CHECK(run.f - recorded.tight_f <= 2e-5 * std::fmax(1.0, std::fabs(recorded.tight_f)));
    check_count(run.evaluations, std::max(recorded.evaluations, std::min(run.evaluations, 2 * recorded.evaluations)));
  }
}

TEST_CASE("the spectral projected gradient comes to a stationary point of every problem that it suits") {
  const auto oracle = read_oracle();
  for (const problems::Problem& problem : problems::all()) {
    // Long narrow valleys take a gradient method thousands of steps; HS25 is flat.
    if (problem.name.rfind("Rosenbrock 10", 0) == 0 || problem.name == "HS25") continue;
    CAPTURE(problem.name);
    blindspot::SpectralProjectedGradient<double>::Options options;
    options.f_tolerance = 0.0;
    options.max_evaluations = 2000;
    const Run run = solve<double, blindspot::SpectralProjectedGradient>(problem, options);
    CHECK(run.status == BS_MINIMIZER_CONVERGED_PG);
    CHECK(run.pg_norm <= options.pg_tolerance);
    CHECK(run.f <= oracle.at(problem.name).tight_f + 1e-4 * std::fmax(1.0, std::fabs(run.f)));
  }
}
