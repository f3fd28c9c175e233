// Smoothed gradients: when they are asked for, and that no proof rests on one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "search_run.hpp"

using classifiers::Activation;
using classifiers::Network;
using classifiers::Random;
using search_run::Outcome;
using search_run::Search;
using search_run::Task;

namespace {

struct Step {
  std::vector<float> point;
  float smoothing;
};

struct Trace {
  std::vector<Step> steps;
  Outcome outcome;
};

// One image in one lane.
Trace trace(const bs_search_options& options, const Network& model, const Task& task) {
  Search search(options);
  REQUIRE(search.status == BS_OK);
  REQUIRE(search.submit(task) == BS_OK);
  Trace made;
  while (bs_search_ask(search.handle) == 1) {
    made.steps.push_back(
        {std::vector<float>(search.point(0), search.point(0) + model.n), *bs_search_smoothing(search.handle)});
    REQUIRE(search.step(model) == 1);
  }
  REQUIRE(search.take(made.outcome));
  return made;
}

std::vector<Task> tasks_of(const Network& model, bool targeted, Random& random) {
  std::vector<Task> tasks;
  while (tasks.size() < 12) {
    Task task;
    task.image = classifiers::random_image(model.n, random);
    task.label = model.predict(task.image.data());
    if (targeted) task.target = (task.label + 1) % 10;
    if (model.hard_margin(task.image.data(), task.label, -1) >= 0.3) tasks.push_back(task);
  }
  return tasks;
}

// body(options, model, task, targeted) for both kinds of network, both efforts, with targets and without.
template <typename Body>
void for_all(Body body) {
  Random random(77);
  for (const Activation activation : {Activation::kSigmoid, Activation::kRelu}) {
    const Network model(40, 32, 2, 10, activation, activation == Activation::kRelu ? 1.5 : 6.0, random);
    for (const bool targeted : {false, true}) {
      for (const bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
        for (const Task& task : tasks_of(model, targeted, random)) {
          body(search_run::options_for(model, 1, BS_SEARCH_BOUNDARY, effort), model, task);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("smoothing is asked for only of a model that can") {
  for_all([](bs_search_options options, const Network& model, const Task& task) {
    for (const Step& step : trace(options, model, task).steps) REQUIRE(step.smoothing == 0.0f);
  });
}

TEST_CASE("a descent from the image begins smoothed, ever less; what came before it and comes after is exact") {
  for_all([](bs_search_options options, const Network& model, const Task& task) {
    options.smoothable = 1.0;
    const std::vector<Step> steps = trace(options, model, task).steps;
    // Of a thorough search, which begins as a fast one, either.
    const bool thorough = options.effort == static_cast<double>(BS_EFFORT_THOROUGH);
    const auto first = [=](const Step& step) { return step.smoothing == 0.3f || (thorough && step.smoothing == 0.4f); };
    const auto smoothed = [](const Step& step) { return step.smoothing > 0.0f; };
    REQUIRE(!smoothed(steps.front()));
    REQUIRE(std::any_of(steps.begin(), steps.end(), smoothed));
    for (std::size_t i = 1; i < steps.size(); ++i) {
      // Less than the step before, or a descent's first.
      if (smoothed(steps[i]) && !first(steps[i])) {
        REQUIRE(smoothed(steps[i - 1]));
        REQUIRE(steps[i].smoothing < steps[i - 1].smoothing);
      }
    }
  });
}

TEST_CASE("the point delivered has been evaluated without smoothing, and its proof is known") {
  for_all([](bs_search_options options, const Network& model, const Task& task) {
    options.smoothable = 1.0;
    const Trace made = trace(options, model, task);
    if (!made.outcome.succeeded()) return;
    search_run::check_proof(options, model, task, made.outcome);
    REQUIRE(std::any_of(made.steps.begin(), made.steps.end(), [&](const Step& step) {
      return step.smoothing == 0.0f && step.point == made.outcome.example;
    }));
  });
}

TEST_CASE("the proof fits into the caller's limit") {
  int found = 0;
  for_all([&](bs_search_options options, const Network& model, const Task& task) {
    options.smoothable = 1.0;
    for (const double limit : {2.0, 4.0, 6.0, 9.0, 15.0}) {
      options.max_evaluations = limit;
      const Trace made = trace(options, model, task);
      REQUIRE(made.outcome.result.evaluations <= limit);
      if (!made.outcome.succeeded()) continue;
      ++found;
      search_run::check_proof(options, model, task, made.outcome);
    }
  });
  CHECK(found > 100);
}
