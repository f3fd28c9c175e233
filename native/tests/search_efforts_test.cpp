// More time: a larger effort goes on from what a smaller one has found, and a larger limit from a smaller one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "search_run.hpp"

using classifiers::Activation;
using classifiers::Network;
using classifiers::Random;
using search_run::Outcome;
using search_run::Task;

namespace {

struct Kind {
  const char* name;
  Activation activation;
  double gain;
  bool smoothable;
};

constexpr Kind kKinds[] = {{"sigmoid", Activation::kSigmoid, 6.0, false},
                           {"saturated sigmoid", Activation::kSigmoid, 40.0, false},
                           {"relu", Activation::kRelu, 1.5, false},
                           {"relu, smoothed gradients", Activation::kRelu, 1.5, true}};
constexpr std::size_t kTasks = 8;

std::vector<Task> tasks_of(const Network& model, bool targeted, Random& random) {
  std::vector<Task> tasks(kTasks);
  for (Task& task : tasks) {
    task.image = classifiers::random_image(model.n, random);
    task.label = model.predict(task.image.data());
    if (targeted) task.target = (task.label + 1) % model.classes;
    task.id = static_cast<double>(&task - tasks.data());
  }
  return tasks;
}

// body(model, tasks, smoothable) for every kind of network, with targets and without.
template <typename Body>
void for_all(Body body) {
  Random random(245);
  for (const Kind& kind : kKinds) {
    const Network model(60, 8, 2, 10, kind.activation, kind.gain, random);
    for (const bool targeted : {false, true}) {
      CAPTURE(std::string(kind.name));
      CAPTURE(targeted);
      body(model, tasks_of(model, targeted, random), kind.smoothable);
    }
  }
}

std::vector<double> distances(const Network& model, const std::vector<Task>& tasks, bool smoothable, bs_effort effort,
                              double limit) {
  auto options = search_run::options_for(model, 4, BS_SEARCH_BOUNDARY, effort);
  options.smoothable = smoothable ? 1.0 : 0.0;
  options.max_evaluations = limit;
  std::vector<double> found;
  const std::vector<Outcome> outcomes = search_run::run(options, model, tasks);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    search_run::check_proof(options, model, tasks[i], outcomes[i]);
    if (limit > 0.0) CHECK(outcomes[i].result.evaluations <= limit);
    found.push_back(outcomes[i].succeeded() ? outcomes[i].result.distance : HUGE_VAL);
  }
  return found;
}

}  // namespace

TEST_CASE("a larger effort ends no further out") {
  int nearer = 0;
  for_all([&](const Network& model, const std::vector<Task>& tasks, bool smoothable) {
    std::vector<double> before(tasks.size(), HUGE_VAL);
    for (const bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH, BS_EFFORT_EXHAUSTIVE}) {
      const std::vector<double> found = distances(model, tasks, smoothable, effort, 0.0);
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        CHECK(found[i] <= before[i]);
        if (effort != BS_EFFORT_FAST && found[i] < before[i]) ++nearer;
      }
      before = found;
    }
  });
  CHECK(nearer > 20);  // and often nearer
}

TEST_CASE("a larger limit ends no further out") {
  for_all([](const Network& model, const std::vector<Task>& tasks, bool smoothable) {
    std::vector<double> nearest(tasks.size(), HUGE_VAL);
    for (const double limit : {60.0, 200.0, 400.0, 1000.0, 2000.0}) {
      const std::vector<double> found = distances(model, tasks, smoothable, BS_EFFORT_EXHAUSTIVE, limit);
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        // What a search ends with is bisected, which a longer one does only at its own end.
        CHECK(found[i] <= nearest[i] * 1.001);
        nearest[i] = std::min(nearest[i], found[i]);
      }
    }
  });
}
