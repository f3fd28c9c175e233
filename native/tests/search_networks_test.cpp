// Random networks, smooth and piecewise linear: what every result owes, methods against one another, and the lattice.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "search_run.hpp"

using classifiers::Activation;
using classifiers::Network;
using classifiers::Random;
using search_run::Outcome;
using search_run::Task;

namespace {

// A network whose logits are multiplied by a number.
class Scaled final : public classifiers::Classifier {
 public:
  Scaled(const Network& model, double factor) : Classifier(model.n, model.classes), model_(model), factor_(factor) {}
  std::vector<double> logits(const float* x) const override {
    std::vector<double> z = model_.logits(x);
    for (double& value : z) value *= factor_;
    return z;
  }
  void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const override {
    model_.pull_back(x, weights, gradient);
    for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<float>(factor_ * gradient[i]);
  }

 private:
  const Network& model_;
  double factor_;
};

struct Kind {
  const char* name;
  Activation activation;
  int hidden;
  double gain;
};

constexpr Kind kSmooth[] = {{"tanh", Activation::kTanh, 2, 2.0}, {"sigmoid", Activation::kSigmoid, 2, 6.0}};
constexpr Kind kKinked = {"relu", Activation::kRelu, 2, 1.5};

Network network(const Kind& kind, std::size_t n, Random& random) {
  return Network(n, 32, kind.hidden, 10, kind.activation, kind.gain, random);
}

// Images that are nearer to a mistake than a few steps of an 8-bit lattice say little of a method; they are left out.
std::vector<Task> tasks_of(const Network& model, bool targeted, int count, Random& random) {
  std::vector<Task> tasks;
  while (static_cast<int>(tasks.size()) < count) {
    Task task;
    task.image = classifiers::random_image(model.n, random);
    task.label = model.predict(task.image.data());
    if (targeted) task.target = (task.label + 1 + static_cast<int>(random.uniform() * 9)) % 10;
    if (model.hard_margin(task.image.data(), task.label, -1) >= 0.3) tasks.push_back(task);
  }
  return tasks;
}

double median(std::vector<double> values) {
  REQUIRE(!values.empty());
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The default budgets: those of effort, four times as many while nothing is found, and the lattice's rounds.
double most_evaluations(const bs_search_options& options, bool targeted) {
  double budget = options.max_evaluations;
  if (budget == 0.0) {
    const bool thorough = options.effort == static_cast<double>(BS_EFFORT_THOROUGH);
    if (options.method == static_cast<double>(BS_SEARCH_PENALTY)) {
      budget = thorough ? 4000.0 : 1000.0;
    } else {
      budget = 4.0 * (thorough ? (targeted ? 300.0 : 400.0) : (targeted ? 50.0 : 45.0));
    }
  }
  return budget + (options.quantization > 0.0 ? 30.0 : 0.0);
}

std::vector<Outcome> checked_run(const bs_search_options& options, const Network& model,
                                 const std::vector<Task>& tasks) {
  const std::vector<Outcome> outcomes = search_run::run(options, model, tasks);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    search_run::check_proof(options, model, tasks[i], outcomes[i]);
    CHECK(outcomes[i].result.evaluations <= most_evaluations(options, tasks[i].target >= 0));
  }
  return outcomes;
}

int successes(const std::vector<Outcome>& outcomes) {
  return static_cast<int>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) { return outcome.succeeded(); }));
}

// Of the second run's distortions to the first one's, where both succeeded.
std::vector<double> ratios(const std::vector<Outcome>& a, const std::vector<Outcome>& b) {
  std::vector<double> list;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].succeeded() && b[i].succeeded()) list.push_back(b[i].result.distance / a[i].result.distance);
  }
  return list;
}

double mean(const std::vector<double>& values) {
  REQUIRE(!values.empty());
  double sum = 0.0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Distortions of several runs over the same images, relative to those of boundary with effort thorough.
struct Comparison {
  std::vector<double> penalty, fast;
  std::vector<double> kkt;  // of thorough
  int unbeaten = 0;         // thorough is at most 1 % above penalty, or alone in succeeding
  int tasks = 0;
};

Comparison compare_methods(const Kind& kind, bool targeted) {
  Random random(200);
  Comparison all;
  for (std::size_t n : {30, 120}) {
    const Network model = network(kind, n, random);
    const std::vector<Task> tasks = tasks_of(model, targeted, 16, random);
    const auto fast = checked_run(search_run::options_for(model), model, tasks);
    const auto thorough =
        checked_run(search_run::options_for(model, 4, BS_SEARCH_BOUNDARY, BS_EFFORT_THOROUGH), model, tasks);
    const auto penalty = checked_run(search_run::options_for(model, 4, BS_SEARCH_PENALTY), model, tasks);
    if (!targeted) {
      for (const auto& outcomes : {fast, thorough, penalty}) CHECK(successes(outcomes) == 16);
    }
    CHECK(successes(thorough) >= successes(fast));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      ++all.tasks;
      if (thorough[i].succeeded()) all.kkt.push_back(thorough[i].result.kkt_residual);
      const bool beaten = penalty[i].succeeded() && !(thorough[i].result.distance <= 1.01 * penalty[i].result.distance);
      if (!beaten) ++all.unbeaten;
    }
    for (double ratio : ratios(thorough, penalty)) all.penalty.push_back(ratio);
    for (double ratio : ratios(thorough, fast)) all.fast.push_back(ratio);
  }
  return all;
}

}  // namespace

TEST_CASE("smooth networks, untargeted: minima to the last digits, and penalty above them") {
  for (const Kind& kind : kSmooth) {
    CAPTURE(std::string(kind.name));
    const Comparison all = compare_methods(kind, false);
    CHECK(median(all.kkt) <= 0.01);
    CHECK(*std::max_element(all.kkt.begin(), all.kkt.end()) <= 0.05);
    CHECK(mean(all.fast) <= 1.02);
    CHECK(mean(all.penalty) >= 1.01);
    // The penalty's path may end in another basin.
    CHECK(all.unbeaten >= 0.9 * all.tasks);
  }
}

// Two or more classes tie at the minimum as a rule: a corner, proved by a combination of gradients.
TEST_CASE("smooth networks, targeted") {
  for (const Kind& kind : kSmooth) {
    CAPTURE(std::string(kind.name));
    const Comparison all = compare_methods(kind, true);
    CHECK(static_cast<double>(all.kkt.size()) >= 0.9 * all.tasks);
    CHECK(median(all.kkt) <= 0.1);
    CHECK(mean(all.fast) <= 1.05);
    CHECK(mean(all.penalty) >= 1.01);
    CHECK(all.unbeaten >= 0.85 * all.tasks);
  }
}

TEST_CASE("a piecewise linear network") {
  for (bool targeted : {false, true}) {
    CAPTURE(targeted);
    const Comparison all = compare_methods(kKinked, targeted);
    CHECK(mean(all.fast) <= 1.05);
    CHECK(mean(all.penalty) >= 1.1);
    CHECK(all.unbeaten >= 0.95 * all.tasks);
  }
}

TEST_CASE("a budget is kept to, from one evaluation on") {
  Random random(210);
  const Network model = network(kKinked, 30, random);
  for (bool targeted : {false, true}) {
    const std::vector<Task> tasks = tasks_of(model, targeted, 6, random);
    for (bs_search_method method : {BS_SEARCH_BOUNDARY, BS_SEARCH_PENALTY}) {
      for (double budget : {1.0, 2.0, 3.0, 7.0, 20.0, 150.0}) {
        for (double quantization : {0.0, 8.0}) {
          CAPTURE(method);
          CAPTURE(budget);
          auto options = search_run::options_for(model, 2, method, BS_EFFORT_THOROUGH);
          options.max_evaluations = budget;
          options.quantization = quantization;
          const std::vector<Outcome> outcomes = checked_run(options, model, tasks);
          if (budget == 1.0) CHECK(successes(outcomes) == 0);
          if (budget == 150.0) CHECK(successes(outcomes) >= 5);
        }
      }
    }
  }
}

TEST_CASE("quantization 8: pixels are levels of 255, adversarial, and little further") {
  for (bs_search_method method : {BS_SEARCH_BOUNDARY, BS_SEARCH_PENALTY}) {
    for (const Kind& kind : {kSmooth[0], kKinked}) {
      for (bool targeted : {false, true}) {
        CAPTURE(method);
        CAPTURE(std::string(kind.name));
        CAPTURE(targeted);
        Random random(220);
        const Network model = network(kind, 120, random);
        std::vector<Task> tasks = tasks_of(model, targeted, 16, random);
        // Half of the images are 8-bit ones, half are not.
        for (std::size_t i = 0; i < tasks.size(); i += 2) {
          for (float& pixel : tasks[i].image) {
            pixel = static_cast<float>(std::floor(static_cast<double>(pixel) * 255.0 + 0.5) / 255.0);
          }
          tasks[i].label = model.predict(tasks[i].image.data());
          if (tasks[i].target == tasks[i].label) tasks[i].target = (tasks[i].label + 1) % 10;
        }
        auto options = search_run::options_for(model, 4, method);
        const auto plain = checked_run(options, model, tasks);
        options.quantization = 8.0;
        const auto rounded = checked_run(options, model, tasks);
        CHECK(successes(rounded) == successes(plain));
        for (const Outcome& outcome : rounded) {
          if (!outcome.succeeded()) continue;
          bool on_lattice = true;
          for (float pixel : outcome.example) {
            const double level = std::floor(static_cast<double>(pixel) * 255.0 + 0.5);
            on_lattice = on_lattice && pixel == static_cast<float>(level / 255.0);
          }
          CHECK(on_lattice);
        }
        const std::vector<double> over = ratios(plain, rounded);
        CHECK(mean(over) <= (method == BS_SEARCH_BOUNDARY ? 1.05 : 1.1));
      }
    }
  }
}

TEST_CASE("other lattices: two levels, and sixteen of a box that is not [0, 1]") {
  Random random(230);
  const Network model = network(kKinked, 120, random);
  const std::vector<Task> tasks = tasks_of(model, false, 8, random);
  auto options = search_run::options_for(model);
  options.quantization = 1.0;
  for (const Outcome& outcome : checked_run(options, model, tasks)) {
    if (!outcome.succeeded()) continue;
    for (float pixel : outcome.example) CHECK((pixel == 0.0f || pixel == 1.0f));
  }
  options.quantization = 4.0;
  options.lower = -0.5;
  options.upper = 1.75;
  for (const Outcome& outcome : checked_run(options, model, tasks)) {
    REQUIRE(outcome.succeeded());
    for (float pixel : outcome.example) {
      const double level = std::floor((pixel + 0.5) / 0.15 + 0.5);
      CHECK(pixel == doctest::Approx(-0.5 + 0.15 * level).epsilon(1e-6));
    }
  }
}

TEST_CASE("the lattice is never missed where a rounding of the stretched example meets it") {
  Random random(235);
  const Network model = network(kKinked, 120, random);
  const std::vector<Task> tasks = tasks_of(model, true, 24, random);
  for (const double bits : {1.0, 2.0, 8.0}) {
    CAPTURE(bits);
    auto options = search_run::options_for(model);
    const std::vector<Outcome> plain = checked_run(options, model, tasks);
    options.quantization = bits;
    const std::vector<Outcome> rounded = checked_run(options, model, tasks);
    const double levels = std::exp2(bits) - 1.0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (!plain[i].succeeded()) continue;
      bool met = false;
      for (double stretch = 1.0; stretch < 5000.0 && !met; stretch = 1.0 + 2.0 * (stretch - 1.0) + 0.005) {
        std::vector<float> point(model.n);
        for (std::size_t p = 0; p < model.n; ++p) {
          const double x = tasks[i].image[p];
          const double y = std::fmin(1.0, std::fmax(0.0, x + stretch * (plain[i].example[p] - x)));
          point[p] = static_cast<float>(std::floor(y * levels + 0.5) / levels);
        }
        met = model.hard_margin(point.data(), tasks[i].label, tasks[i].target) < -options.confidence;
      }
      if (met) CHECK(rounded[i].succeeded());
    }
  }
}

// Five saturated units make plateaus: a linearisation at the image says nothing of what lies behind one.
TEST_CASE("on plateaus no example lies further than a bisection of its own segment to the image gives") {
  Random random(240);
  const Kind plateaus = {"saturated sigmoid", Activation::kSigmoid, 2, 40.0};
  const Network model(100, 5, plateaus.hidden, 10, plateaus.activation, plateaus.gain, random);
  const std::vector<Task> tasks = tasks_of(model, false, 24, random);
  for (const bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
    CAPTURE(effort);
    const auto options = search_run::options_for(model, 4, BS_SEARCH_BOUNDARY, effort);
    const std::vector<Outcome> outcomes = checked_run(options, model, tasks);
    double worst = 1.0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (!outcomes[i].succeeded()) continue;
      double outside = 0.0, across = 1.0;
      std::vector<float> point(model.n);
      while (across - outside > 1e-3) {
        const double middle = 0.5 * (outside + across);
        for (std::size_t p = 0; p < model.n; ++p) {
          point[p] = static_cast<float>(tasks[i].image[p] + middle * (outcomes[i].example[p] - tasks[i].image[p]));
        }
        (model.predict(point.data()) == tasks[i].label ? outside : across) = middle;
      }
      worst = std::min(worst, across);
    }
    CHECK(worst >= 0.9);
  }
}

TEST_CASE("multiplying all logits by a constant changes no distance") {
  for (const bool targeted : {false, true}) {
    CAPTURE(targeted);
    Random random(250);
    const Network model = network(kSmooth[1], 100, random);
    const std::vector<Task> tasks = tasks_of(model, targeted, 12, random);
    auto options = search_run::options_for(model);
    options.confidence = 0.0;
    const std::vector<Outcome> plain = checked_run(options, model, tasks);
    REQUIRE(successes(plain) >= 11);  // one target is out of reach
    for (int exponent = -6; exponent <= 6; ++exponent) {
      CAPTURE(exponent);
      const Scaled scaled(model, std::pow(10.0, exponent));
      const std::vector<Outcome> outcomes = search_run::run(options, scaled, tasks);
      CHECK(successes(outcomes) == successes(plain));
      CHECK(median(ratios(plain, outcomes)) == doctest::Approx(1.0).epsilon(0.005));
      for (std::size_t i = 0; i < tasks.size(); ++i) search_run::check_proof(options, scaled, tasks[i], outcomes[i]);
    }
  }
}

// A margin of 5e-4 must not be made up for by a confidence of 1e-4.
TEST_CASE("an image that is almost wrong already is moved no further than its own margin asks") {
  Random random(260);
  const classifiers::Linear model(50, 2, random);
  Task task;
  task.image = classifiers::random_image(model.n, random);
  task.label = model.predict(task.image.data());
  // Towards the boundary along the segment to any image across it, until the margin is 5e-4 or less.
  std::vector<float> other;
  do {
    other = classifiers::random_image(model.n, random);
  } while (model.predict(other.data()) == task.label);
  double outside = 0.0, across = 1.0;
  const std::vector<float> start = task.image;
  while (model.hard_margin(task.image.data(), task.label, -1) > 5e-4) {
    const double middle = 0.5 * (outside + across);
    std::vector<float> point(model.n);
    for (std::size_t p = 0; p < model.n; ++p) point[p] = static_cast<float>(start[p] + middle * (other[p] - start[p]));
    if (model.predict(point.data()) == task.label) {
      outside = middle;
      task.image = point;
    } else {
      across = middle;
    }
  }
  auto options = search_run::options_for(model);
  options.confidence = 0.0;
  const Outcome outcome = search_run::run(options, model, {task}).front();
  REQUIRE(outcome.succeeded());
  CHECK(outcome.result.margin > -0.1 * model.hard_margin(task.image.data(), task.label, -1));
}

// z = W sqrt(x), whose derivative is infinite at pixels of 0.
class Root final : public classifiers::Classifier {
 public:
  Root(const classifiers::Linear& model) : Classifier(model.n, model.classes), model_(model) {}
  std::vector<double> logits(const float* x) const override {
    std::vector<float> root(n);
    for (std::size_t i = 0; i < n; ++i) root[i] = std::sqrt(x[i]);
    return model_.logits(root.data());
  }
  void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const override {
    model_.pull_back(x, weights, gradient);
    for (std::size_t i = 0; i < n; ++i) gradient[i] = gradient[i] / (2.0f * std::sqrt(x[i]));
  }

 private:
  const classifiers::Linear& model_;
};

TEST_CASE("a gradient that is infinite on the walls of the box hides no mistake") {
  Random random(270);
  const classifiers::Linear linear(64, 6, random);
  const Root model(linear);
  std::vector<Task> tasks;
  while (tasks.size() < 12) {
    Task task;
    task.image = classifiers::random_image(model.n, random);
    for (std::size_t i = 0; i < model.n; i += 3) task.image[i] = 0.0f;
    task.label = model.predict(task.image.data());
    if (model.hard_margin(task.image.data(), task.label, -1) > 0.1) tasks.push_back(task);
  }
  auto options = search_run::options_for(model);
  options.confidence = 0.0;
  for (const Outcome& outcome : search_run::run(options, model, tasks)) CHECK(outcome.succeeded());
}

// Flat everywhere but in a thin shell that no gradient leads to: only a point across the boundary helps.
class Plateau final : public classifiers::Classifier {
 public:
  explicit Plateau(std::size_t pixels) : Classifier(pixels, 2) {}
  std::vector<double> logits(const float* x) const override {
    double mean = 0.0;
    for (std::size_t i = 0; i < n; ++i) mean += static_cast<double>(x[i]) / static_cast<double>(n);
    return {0.0, std::fmin(1.0, std::fmax(-1.0, 200.0 * (mean - 0.7)))};
  }
  void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const override {
    const double z = logits(x)[1];
    const double slope = std::fabs(z) < 1.0 ? 200.0 / static_cast<double>(n) : 0.0;
    for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<float>(weights[1] * slope);
  }
};

TEST_CASE("where no gradient leads anywhere, a point known to lie across the boundary does") {
  const Plateau model(30);
  auto options = search_run::options_for(model, 1);
  options.confidence = 0.0;
  search_run::Search search(options);
  const float nan = std::nanf("");
  Task task;
  task.image.assign(model.n, 0.2f);
  for (const bool started : {false, true}) {
    CAPTURE(started);
    for (std::size_t i = 0; i < model.n; ++i) bs_search_start(search.handle)[i] = started ? 0.9f : nan;
    REQUIRE(search.submit(task) == BS_OK);
    CHECK(std::isnan(bs_search_start(search.handle)[0]));
    while (search.step(model) > 0) {
    }
    Outcome outcome;
    REQUIRE(search.take(outcome));
    CHECK(outcome.result.slope == 0.0);
    CHECK(outcome.succeeded() == started);
    // The boundary is at a mean of 0.7.
    if (started) CHECK(outcome.result.distance == doctest::Approx(0.5 * std::sqrt(30.0)).epsilon(0.01));
  }
  bs_search_start(search.handle)[0] = 2.0f;
  CHECK(search.submit(task) == BS_ERROR_START);
}
