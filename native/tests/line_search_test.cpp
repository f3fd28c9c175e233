// The line search on one-dimensional functions: those of Moré and Thuente's paper, and functions with holes.
#include "optim/line_search.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

using blindspot::MoreThuente;

namespace {

struct Function {
  std::string name;
  std::function<void(double a, double& value, double& slope)> at;
};

const Function kFunctions[] = {
    // (5.1), beta = 2
    {"rational",
     [](double a, double& value, double& slope) {
       const double q = a * a + 2.0;
       value = -a / q;
       slope = (a * a - 2.0) / (q * q);
     }},
    // (5.2), beta = 0.004
    {"steep quintic",
     [](double a, double& value, double& slope) {
       const double t = a + 0.004;
       value = std::pow(t, 5) - 2.0 * std::pow(t, 4);
       slope = 5.0 * std::pow(t, 4) - 8.0 * std::pow(t, 3);
     }},
    {"parabola",
     [](double a, double& value, double& slope) {
       value = (a - 3.0) * (a - 3.0);
       slope = 2.0 * (a - 3.0);
     }},
    {"quartic",
     [](double a, double& value, double& slope) {
       value = std::pow(a - 7.0, 4) - a;
       slope = 4.0 * std::pow(a - 7.0, 3) - 1.0;
     }},
    {"wave",
     [](double a, double& value, double& slope) {
       value = -a + 0.1 * std::sin(9.0 * a) + 0.02 * a * a;
       slope = -1.0 + 0.9 * std::cos(9.0 * a) + 0.04 * a;
     }},
};

struct Found {
  MoreThuente::Answer answer;
  double step, value, slope;
  int evaluations;
};

Found search(const Function& function, double first, double longest) {
  double value, slope;
  function.at(0.0, value, slope);
  MoreThuente machine;
  machine.start(value, slope, first, longest);
  Found found{MoreThuente::Answer::kEvaluate, 0.0, value, slope, 0};
  while (found.answer == MoreThuente::Answer::kEvaluate && found.evaluations < 40) {
    found.step = machine.step();
    function.at(found.step, found.value, found.slope);
    ++found.evaluations;
    found.answer = machine.advance(found.value, found.slope);
  }
  return found;
}

}  // namespace

TEST_CASE("both conditions hold where the search converges, from first steps of every size") {
  for (const Function& function : kFunctions) {
    CAPTURE(function.name);
    double value0, slope0;
    function.at(0.0, value0, slope0);
    for (double first : {1e-3, 1e-1, 1.0, 10.0, 1000.0}) {
      CAPTURE(first);
      const Found found = search(function, first, 1e10);
      REQUIRE(found.answer != MoreThuente::Answer::kEvaluate);
      CHECK(found.evaluations <= 20);
      CHECK(found.value <= value0 + MoreThuente::kDecrease * found.step * slope0);
      if (found.answer == MoreThuente::Answer::kConverged) {
        CHECK(std::fabs(found.slope) <= MoreThuente::kCurvature * std::fabs(slope0));
      }
    }
  }
}

TEST_CASE("a parabola is solved at the second evaluation") {
  const Found found = search(kFunctions[2], 60.0, 1e10);
  CHECK(found.evaluations == 2);
  CHECK(found.step == doctest::Approx(3.0));
}

TEST_CASE("no trial is longer than the longest step, and that one is taken when the function still falls") {
  const Function falling = {"falling", [](double a, double& value, double& slope) {
                              value = -a;
                              slope = -1.0;
                            }};
  const Found found = search(falling, 1.0, 2.5);
  CHECK(found.answer == MoreThuente::Answer::kStopped);
  CHECK(found.step == 2.5);
}

TEST_CASE("the search comes back from a step at which the function is not finite") {
  for (const double hole : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const Function barrier = {"barrier", [hole](double a, double& value, double& slope) {
                                value = a < 0.3 ? -std::log(0.3 - a) - 20.0 * a : hole;
                                slope = a < 0.3 ? 1.0 / (0.3 - a) - 20.0 : hole;
                              }};
    const Found found = search(barrier, 1.0, 1e10);
    CHECK(found.answer == MoreThuente::Answer::kConverged);
    CHECK(found.step < 0.3);
    CHECK(found.step > 0.0);
  }
}

TEST_CASE("a function that is finite only at the start ends the search in finite time") {
  const Function point = {"point", [](double a, double& value, double& slope) {
                            value = a == 0.0 ? 1.0 : std::numeric_limits<double>::quiet_NaN();
                            slope = -1.0;
                          }};
  double value, slope;
  point.at(0.0, value, slope);
  MoreThuente machine;
  machine.start(value, slope, 1.0, 1e10);
  int evaluations = 0;
  MoreThuente::Answer answer;
  do {
    double v, s;
    point.at(machine.step(), v, s);
    answer = machine.advance(v, s);
    ++evaluations;
  } while (answer == MoreThuente::Answer::kEvaluate && evaluations < 2000);
  CHECK(answer == MoreThuente::Answer::kStopped);
}
