// DeepFool on a linear model, where its one step is known: x + 1.02 r, r the projection of the image on the nearest class's halfspace
// and the box.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "exact_projection.hpp"
#include "search_run.hpp"

using classifiers::Linear;
using classifiers::Random;
using search_run::Outcome;
using search_run::Task;

namespace {

// |x - nearest point of the halfspace where `over` beats `under`, in the box|; infinite when there is none.
double distance_to(const Linear& model, const Task& task, int over, int under) {
  ProjectionOracle oracle(std::vector<double>(task.image.begin(), task.image.end()), 0.0, 1.0);
  std::vector<double> row(model.n);
  const std::size_t a = static_cast<std::size_t>(over), b = static_cast<std::size_t>(under);
  for (std::size_t i = 0; i < model.n; ++i) row[i] = model.weights[b * model.n + i] - model.weights[a * model.n + i];
  oracle.add(row, model.bias[a] - model.bias[b]);
  const ExactProjection exact = oracle.solve();
  return exact.feasible ? exact.bound : HUGE_VAL;
}

double nearest_class(const Linear& model, const Task& task) {
  double least = HUGE_VAL;
  for (int j = 0; j < model.classes; ++j) {
    if (j != task.label) least = std::fmin(least, distance_to(model, task, j, task.label));
  }
  return least;
}

}  // namespace

TEST_CASE("one step of DeepFool on a linear model ends 2 % beyond the nearest boundary") {
  Random random(41);
  int tried = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const Linear model(30, 5, random);
    Task task;
    task.image = classifiers::random_image(model.n, random);
    task.label = model.predict(task.image.data());
    task.target = -1;
    const double exact = nearest_class(model, task);
    if (!(exact > 0.05 && exact < 1.0)) continue;
    const bs_search_options options = search_run::options_for(model, 1, BS_SEARCH_DEEPFOOL);
    const Outcome outcome = search_run::run(options, model, {task})[0];
    search_run::check_proof(options, model, task, outcome);
    REQUIRE(outcome.succeeded());
    CHECK(outcome.result.starts == 1.0);
    // Where walls are met, 2 % more of every pixel's change is cut off there.
    CHECK(outcome.result.distance <= 1.021 * exact);
    CHECK(outcome.result.distance >= 1.0 * exact);
    // A gradient a class that may be the nearest, and the verdict.
    CHECK(outcome.result.evaluations <= 5.0);
    ++tried;
  }
  CHECK(tried >= 5);
}

TEST_CASE("towards a target DeepFool steps until the target answers") {
  Random random(42);
  int found = 0;
  for (int trial = 0; trial < 10; ++trial) {
    const Linear model(30, 2, random);
    Task task;
    task.image = classifiers::random_image(model.n, random);
    task.label = model.predict(task.image.data());
    task.target = 1 - task.label;
    const double exact = distance_to(model, task, task.target, task.label);
    if (!(exact > 0.05 && exact < 1.0)) continue;
    const bs_search_options options = search_run::options_for(model, 1, BS_SEARCH_DEEPFOOL);
    const Outcome outcome = search_run::run(options, model, {task})[0];
    search_run::check_proof(options, model, task, outcome);
    REQUIRE(outcome.succeeded());
    CHECK(outcome.result.prediction == task.target);
    CHECK(outcome.result.evaluations == 2.0);
    ++found;
  }
  CHECK(found >= 5);
}
