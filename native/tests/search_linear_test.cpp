// Linear models, whose minimum distortion is a convex quadratic program: the search against its exact optimum.
//
//   towards class t:   min |y - x|  subject to  (w_j - w_t) . y <= b_t - b_j - confidence  (j != t),  0 <= y <= 1
//   away from class k: the least over the classes t of the same with j = k alone
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "exact_projection.hpp"
#include "instruction_sets.hpp"
#include "search_run.hpp"

using classifiers::Linear;
using classifiers::Random;
using search_run::Outcome;
using search_run::Task;

namespace {

struct Problem {
  Task task;
  double optimum;  // a bound from below, tight to 1e-6
  double allowed;  // to which the distortion found is compared
  int active = 1;  // classes that tie with the target at the optimum
};

// Where several classes tie, the smoothed margin of a descent asks for up to temperature log(K - 1) logits more than
// the hard one: that much more is allowed to a search towards a class.
constexpr double kTowardsClass = 0.002;

void add_class(ProjectionOracle& oracle, const Linear& model, int over, int under, double confidence) {
  const std::size_t a = static_cast<std::size_t>(over), b = static_cast<std::size_t>(under);
  std::vector<double> row(model.n);
  for (std::size_t i = 0; i < model.n; ++i) row[i] = model.weights[b * model.n + i] - model.weights[a * model.n + i];
  oracle.add(row, model.bias[a] - model.bias[b] - confidence);
}

// Infinity when no image of the box does it.
double optimum(const Linear& model, const Task& task, double confidence, int* active = nullptr) {
  const std::vector<double> z(task.image.begin(), task.image.end());
  double least = HUGE_VAL;
  if (task.target >= 0) {
    ProjectionOracle oracle(z, 0.0, 1.0);
    for (int j = 0; j < model.classes; ++j) {
      if (j != task.target) add_class(oracle, model, task.target, j, confidence);
    }
    const ExactProjection exact = oracle.solve(1000);
    if (active != nullptr) {
      *active = static_cast<int>(
          std::count_if(exact.multipliers.begin(), exact.multipliers.end(), [](double mu) { return mu > 1e-9; }));
    }
    return exact.feasible ? exact.bound : HUGE_VAL;
  }
  for (int j = 0; j < model.classes; ++j) {
    if (j == task.label) continue;
    ProjectionOracle oracle(z, 0.0, 1.0);
    add_class(oracle, model, j, task.label, confidence);
    const ExactProjection exact = oracle.solve();
    if (exact.feasible) least = std::fmin(least, exact.bound);
  }
  return least;
}

// Nearer images than `nearest` are left out: there the confidence, which a search oversteps by half, is of the size of
// the margin.
std::vector<Problem> problems_of(const Linear& model, bool targeted, int count, Random& random, double nearest = 0.05) {
  std::vector<Problem> list;
  while (static_cast<int>(list.size()) < count) {
    Task task;
    task.image = classifiers::random_image(model.n, random);
    task.label = model.predict(task.image.data());
    if (targeted) {
      task.target = (task.label + 1 + static_cast<int>(random.uniform() * (model.classes - 1))) % model.classes;
    }
    const double exact = optimum(model, task, 1e-4);
    if (exact >= nearest && exact < HUGE_VAL) list.push_back({task, exact, exact});
  }
  return list;
}

// Random weights of about a trained model's size whatever n: |w_j - w_k| is about 14 scale.
Linear random_model(std::size_t n, int classes, double scale, Random& random) {
  return Linear(n, classes, random, scale * std::sqrt(300.0 / static_cast<double>(n)));
}

// How far the distortions found lie above what is allowed, relative, one each.
std::vector<double> excesses(const bs_search_options& options, const Linear& model,
                             const std::vector<Problem>& problems) {
  std::vector<Task> tasks;
  for (const Problem& problem : problems) tasks.push_back(problem.task);
  const std::vector<Outcome> outcomes = search_run::run(options, model, tasks);
  std::vector<double> list;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    search_run::check_proof(options, model, tasks[i], outcomes[i]);
    REQUIRE(outcomes[i].succeeded());
    CHECK(outcomes[i].result.distance >= problems[i].optimum * (1.0 - 1e-6));  // float32 pixels
    list.push_back(outcomes[i].result.distance / problems[i].allowed - 1.0);
  }
  return list;
}

double worst(const std::vector<double>& list) {
  return list.empty() ? 0.0 : *std::max_element(list.begin(), list.end());
}

bool same(const std::vector<Outcome>& a, const std::vector<Outcome>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i].result, &b[i].result, sizeof a[i].result) != 0 || a[i].example != b[i].example) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("boundary, untargeted: within 0.1 % of the exact optimum") {
  Random random(101);
  for (int classes : {2, 3, 10}) {
    for (std::size_t n : {20, 100, 784}) {
      for (double scale : {0.3, 1.0, 3.0}) {
        CAPTURE(classes);
        CAPTURE(n);
        CAPTURE(scale);
        const Linear model = random_model(n, classes, scale, random);
        const std::vector<Problem> problems = problems_of(model, false, 12, random);
        for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
          CAPTURE(effort);
          const auto options = search_run::options_for(model, 5, BS_SEARCH_BOUNDARY, effort);
          CHECK(worst(excesses(options, model, problems)) <= 1e-3);
        }
      }
    }
  }
}

TEST_CASE("boundary, targeted, two classes: within 0.1 % of the exact optimum") {
  Random random(102);
  for (std::size_t n : {20, 100, 784}) {
    for (double scale : {0.3, 1.0, 3.0}) {
      CAPTURE(n);
      CAPTURE(scale);
      const Linear model = random_model(n, 2, scale, random);
      const std::vector<Problem> problems = problems_of(model, true, 12, random);
      for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
        CAPTURE(effort);
        const auto options = search_run::options_for(model, 5, BS_SEARCH_BOUNDARY, effort);
        CHECK(worst(excesses(options, model, problems)) <= 1e-3);
      }
    }
  }
}

TEST_CASE("boundary, targeted, several classes: within 0.1 % of the optimum of the smoothed problem") {
  Random random(103);
  std::vector<double> corners;
  for (int classes : {3, 10}) {
    for (std::size_t n : {20, 100, 784}) {
      for (double scale : {0.3, 1.0, 3.0}) {
        CAPTURE(classes);
        CAPTURE(n);
        CAPTURE(scale);
        const Linear model = random_model(n, classes, scale, random);
        std::vector<Problem> plain, few, many;  // by the number of classes that tie: 1, up to 3, more
        for (Problem& problem : problems_of(model, true, classes == 10 ? 40 : 20, random, 0.1)) {
          optimum(model, problem.task, 1e-4, &problem.active);
          problem.allowed = optimum(model, problem.task, 1e-4 + kTowardsClass * std::log(classes - 1.0));
          if (problem.allowed == HUGE_VAL) continue;
          (problem.active <= 1 ? plain : problem.active <= 3 ? few : many).push_back(problem);
        }
        for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
          CAPTURE(effort);
          const auto options = search_run::options_for(model, 5, BS_SEARCH_BOUNDARY, effort);
          CHECK(worst(excesses(options, model, plain)) <= 1e-3);
          // A corner of several classes may cost more steps than there are, or have more pieces than a descent keeps.
          const std::vector<double> at_corners = excesses(options, model, few);
          CHECK(worst(at_corners) <= 0.02);
          corners.insert(corners.end(), at_corners.begin(), at_corners.end());
          CHECK(worst(excesses(options, model, many)) <= 0.06);
        }
      }
    }
  }
  CHECK(corners.size() >= 300);
  const auto missed = std::count_if(corners.begin(), corners.end(), [](double over) { return over > 1e-3; });
  CHECK(static_cast<double>(missed) <= 0.005 * static_cast<double>(corners.size()));
}

TEST_CASE("penalty: within 2 % where its own problem has the same solution") {
  Random random(104);
  for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
    for (std::size_t n : {20, 784}) {
      CAPTURE(n);
      const Linear two = random_model(n, 2, 1.0, random);
      const auto two_options = search_run::options_for(two, 5, BS_SEARCH_PENALTY, effort);
      CHECK(worst(excesses(two_options, two, problems_of(two, false, 10, random))) <= 0.02);
      CHECK(worst(excesses(two_options, two, problems_of(two, true, 10, random))) <= 0.02);
      // Steep logits: cross-entropy at temperature 1 is as good as the hard margin.
      const Linear ten = random_model(n, 10, 30.0, random);
      const auto ten_options = search_run::options_for(ten, 5, BS_SEARCH_PENALTY, effort);
      CHECK(worst(excesses(ten_options, ten, problems_of(ten, true, 10, random))) <= 0.02);
    }
  }
}

TEST_CASE("the box is active at the optimum, and the delivered pixels sit on it") {
  Random random(105);
  const Linear model = random_model(200, 3, 0.3, random);
  const std::vector<Problem> problems = problems_of(model, true, 6, random, 0.5);
  std::vector<Task> tasks;
  for (const Problem& problem : problems) tasks.push_back(problem.task);
  for (const Outcome& outcome : search_run::run(search_run::options_for(model), model, tasks)) {
    const auto at_bound = std::count_if(outcome.example.begin(), outcome.example.end(),
                                        [](float pixel) { return pixel == 0.0f || pixel == 1.0f; });
    CHECK(at_bound >= 40);
    CHECK(outcome.result.kkt_residual <= 0.02);
  }
}

TEST_CASE("a box of other bounds scales the answer with it") {
  Random random(106);
  const Linear unit = random_model(64, 3, 1.0, random);
  // y = 4 x - 2: the same model of the shifted pixels.
  Linear wide = unit;
  for (std::size_t j = 0; j < 3; ++j) {
    for (std::size_t i = 0; i < 64; ++i) {
      wide.bias[j] += 0.5 * unit.weights[j * 64 + i];
      wide.weights[j * 64 + i] *= 0.25;
    }
  }
  std::vector<Task> tasks, shifted;
  for (const Problem& problem : problems_of(unit, false, 8, random)) {
    tasks.push_back(problem.task);
    shifted.push_back(problem.task);
    for (float& pixel : shifted.back().image) pixel = 4.0f * pixel - 2.0f;
  }
  auto options = search_run::options_for(wide);
  options.lower = -2.0;
  options.upper = 2.0;
  const std::vector<Outcome> plain = search_run::run(search_run::options_for(unit), unit, tasks);
  const std::vector<Outcome> scaled = search_run::run(options, wide, shifted);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    search_run::check_proof(options, wide, shifted[i], scaled[i]);
    CHECK(scaled[i].result.distance == doctest::Approx(4.0 * plain[i].result.distance).epsilon(1e-3));
  }
}

TEST_CASE("the same bits on every instruction set") {
  for (int classes : {2, 5}) {
    for (bs_search_method method : {BS_SEARCH_BOUNDARY, BS_SEARCH_PENALTY}) {
      for (double quantization : {0.0, 8.0}) {
        CAPTURE(classes);
        CAPTURE(method);
        Random random(107);
        const Linear model = random_model(150, classes, 1.0, random);
        std::vector<Task> tasks;
        for (bool targeted : {false, true}) {
          for (const Problem& problem : problems_of(model, targeted, 4, random)) tasks.push_back(problem.task);
        }
        auto options = search_run::options_for(model, 3, method, BS_EFFORT_THOROUGH);
        options.quantization = quantization;
        std::vector<Outcome> first;
        for (const std::string& set : instruction_sets()) {
          CAPTURE(set);
          const UseInstructionSet use(set);
          const std::vector<Outcome> now = search_run::run(options, model, tasks);
          if (first.empty()) first = now;
          CHECK(same(now, first));
        }
      }
    }
  }
}
