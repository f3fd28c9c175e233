// Lanes are independent: of how many there are, of the order of submission, of what their neighbours' models answer,
// and of whom they served before. How a lane ends.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "search_run.hpp"

using classifiers::Activation;
using classifiers::Classifier;
using classifiers::Linear;
using classifiers::Network;
using classifiers::Random;
using search_run::options_for;
using search_run::Outcome;
using search_run::Search;
using search_run::Task;

namespace {

bool same(const Outcome& a, const Outcome& b) {
  return std::memcmp(&a.result, &b.result, sizeof a.result) == 0 && a.example == b.example;
}

std::vector<Task> mixed_tasks(const Classifier& model, int count, Random& random) {
  std::vector<Task> tasks(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].image = classifiers::random_image(model.n, random);
    tasks[i].label = model.predict(tasks[i].image.data());
    if (i % 5 == 4) tasks[i].label = (tasks[i].label + 1) % model.classes;  // misclassified already
    if (i % 2 == 1) tasks[i].target = (tasks[i].label + 1) % model.classes;
    tasks[i].id = static_cast<double>(i);
  }
  return tasks;
}

// Runs tasks with their own ids, in the order given, with as many lanes as options say; outcomes by id.
std::vector<Outcome> run_in_order(const bs_search_options& options, const Classifier& model,
                                  const std::vector<Task>& tasks, const std::vector<std::size_t>& order) {
  Search search(options);
  REQUIRE(search.status == BS_OK);
  std::vector<Outcome> outcomes(tasks.size());
  std::size_t next = 0, done = 0;
  while (done < tasks.size()) {
    while (next < order.size() && bs_search_free_lanes(search.handle) > 0) {
      REQUIRE(search.submit(tasks[order[next]]) == BS_OK);
      ++next;
    }
    REQUIRE(search.step(model) > 0);
    for (Outcome one; search.take(one); ++done) outcomes[static_cast<std::size_t>(one.result.id)] = one;
  }
  return outcomes;
}

// One search on a handle of its own: what any lane must repeat.
std::vector<Outcome> alone(bs_search_options options, const Classifier& model, const std::vector<Task>& tasks) {
  options.lanes = 1.0;
  std::vector<Outcome> outcomes;
  for (const Task& task : tasks) {
    Search search(options);
    REQUIRE(search.submit(task) == BS_OK);
    Outcome one;
    while (!search.take(one)) REQUIRE(search.step(model) == 1);
    outcomes.push_back(one);
  }
  return outcomes;
}

// A model that misbehaves for images whose last pixel, which no logit depends on, carries a tag; spoil is given the
// number of evaluations of that tag so far.
class Faulty final : public Classifier {
 public:
  using Spoil = std::function<void(int evaluation, float* logits, float* gradient)>;

  Faulty(const Classifier& sound, std::size_t tags, Spoil spoil)
      : Classifier(sound.n + 1, sound.classes), sound_(sound), seen_(tags, 0), spoil_(std::move(spoil)) {}

  static float tag(std::size_t index) { return static_cast<float>(index + 1) / 64.0f; }

  std::vector<double> logits(const float* x) const override { return sound_.logits(x); }
  void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const override {
    sound_.pull_back(x, weights, gradient);
    gradient[n - 1] = 0.0f;
  }
  void answer(const float* x, int k, double sign, double temperature, float* out, float* gradient) const override {
    Classifier::answer(x, k, sign, temperature, out, gradient);
    for (std::size_t j = 0; j < seen_.size(); ++j) {
      if (x[n - 1] == tag(j)) spoil_(seen_[j]++, out, gradient);
    }
  }

 private:
  const Classifier& sound_;
  mutable std::vector<int> seen_;
  Spoil spoil_;
};

// Tasks for a Faulty model: every third image is tagged.
std::vector<Task> tagged_tasks(const Classifier& sound, int count, Random& random) {
  std::vector<Task> tasks(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].image = classifiers::random_image(sound.n, random);
    tasks[i].label = sound.predict(tasks[i].image.data());
    if (i % 2 == 1) tasks[i].target = (tasks[i].label + 1) % sound.classes;
    tasks[i].image.push_back(i % 3 == 0 ? Faulty::tag(i / 3) : 0.0f);
    tasks[i].id = static_cast<double>(i);
  }
  return tasks;
}

constexpr bs_search_method kMethods[] = {BS_SEARCH_BOUNDARY, BS_SEARCH_PENALTY};

}  // namespace

TEST_CASE("results are the same bits whatever the number of lanes and the order of submission") {
  Random random(300);
  const Network model(40, 24, 1, 6, Activation::kRelu, 1.5, random);
  const std::vector<Task> tasks = mixed_tasks(model, 24, random);
  std::vector<std::size_t> forward(tasks.size());
  std::iota(forward.begin(), forward.end(), std::size_t{0});
  std::vector<std::size_t> shuffled = forward;
  for (std::size_t i = shuffled.size(); i-- > 1;) {
    std::swap(shuffled[i], shuffled[static_cast<std::size_t>(random.uniform() * static_cast<double>(i + 1))]);
  }
  for (bs_search_method method : kMethods) {
    for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
      for (double quantization : {0.0, 8.0}) {
        auto options = options_for(model, 1, method, effort);
        options.quantization = quantization;
        const std::vector<Outcome> expected = alone(options, model, tasks);
        for (int lanes : {1, 3, 16, 40}) {
          for (const auto& order : {forward, shuffled}) {
            CAPTURE(method);
            CAPTURE(effort);
            CAPTURE(lanes);
            options.lanes = lanes;
            const std::vector<Outcome> found = run_in_order(options, model, tasks, order);
            for (std::size_t i = 0; i < tasks.size(); ++i) {
              CAPTURE(i);
              CHECK(same(found[i], expected[i]));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a lane keeps nothing of the image before: even one whose gradients all vanished") {
  Random random(301);
  const Linear other(12, 4, random);
  // Constant where the first pixel is dark.
  class Switch final : public Classifier {
   public:
    explicit Switch(const Classifier& model) : Classifier(model.n, model.classes), model_(model) {}
    std::vector<double> logits(const float* x) const override {
      return dead(x) ? std::vector<double>{3.0, 1.0, 0.5, 0.25} : model_.logits(x);
    }
    void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const override {
      model_.pull_back(x, weights, gradient);
      if (dead(x)) std::memset(gradient, 0, n * sizeof(float));
    }

   private:
    bool dead(const float* x) const { return x[0] < 0.25f; }
    const Classifier& model_;
  };
  const Switch both(other);
  Task dead, alive;
  dead.image.assign(12, 0.0f);
  dead.label = 0;
  for (double target : {0.0, 1.0}) {
    alive.image = classifiers::random_image(12, random);
    alive.image[0] = 1.0f;
    alive.label = both.predict(alive.image.data());
    alive.target = target == 0.0 ? -1 : (alive.label + 1) % 4;
    for (double budget : {0.0, 30.0}) {
      auto options = options_for(both, 1);
      options.max_evaluations = budget;
      const Outcome fresh = alone(options, both, {alive}).front();
      Search search(options);
      Outcome one;
      REQUIRE(search.submit(dead) == BS_OK);
      while (!search.take(one)) REQUIRE(search.step(both) == 1);
      REQUIRE(search.submit(alive) == BS_OK);
      while (!search.take(one)) REQUIRE(search.step(both) == 1);
      CHECK(same(one, fresh));
    }
  }
}

TEST_CASE("rows are asked for packed, with a whole question each") {
  Random random(302);
  const Linear model(17, 5, random);
  Search search(options_for(model, 6));
  CHECK(bs_search_ask(search.handle) == 0);
  for (int j = 0; j < 4; ++j) {
    Task task;
    task.image = classifiers::random_image(17, random);
    task.label = model.predict(task.image.data());
    task.target = j % 2 == 0 ? -1 : (task.label + 2) % 5;
    task.id = 100.0 + j;
    REQUIRE(search.submit(task) == BS_OK);
    CHECK(bs_search_free_lanes(search.handle) == 5 - j);
    CHECK(bs_search_ask(search.handle) == j + 1);
    CHECK(std::memcmp(search.point(j), task.image.data(), 17 * sizeof(float)) == 0);
    CHECK(search.class_asked(j) == (task.target >= 0 ? task.target : task.label));
    CHECK(bs_search_sign(search.handle)[j] == (task.target >= 0 ? 1.0f : -1.0f));
    CHECK(bs_search_temperature(search.handle)[j] > 0.0f);
  }
  int rows;
  do {
    rows = search.step(model);
    for (int row = 0; row < rows; ++row) {
      for (int i = 0; i < 17; ++i) CHECK((search.point(row)[i] >= 0.0f && search.point(row)[i] <= 1.0f));
    }
  } while (rows > 0);
  CHECK(bs_search_free_lanes(search.handle) == 2);
  double ids = 0.0;
  for (Outcome one; search.take(one);) ids += one.result.id;
  CHECK(ids == 406.0);
  CHECK(bs_search_free_lanes(search.handle) == 6);
}

TEST_CASE("an image submitted between ask and tell waits for the next ask") {
  Random random(303);
  const Linear model(10, 3, random);
  const std::vector<Task> tasks = mixed_tasks(model, 2, random);
  const std::vector<Outcome> expected = alone(options_for(model), model, tasks);
  Search search(options_for(model, 2));
  REQUIRE(search.submit(tasks[0]) == BS_OK);
  REQUIRE(bs_search_ask(search.handle) == 1);
  model.answer(search.point(0), search.class_asked(0), bs_search_sign(search.handle)[0],
               bs_search_temperature(search.handle)[0], search.logits(0), search.gradient(0));
  REQUIRE(search.submit(tasks[1]) == BS_OK);
  REQUIRE(bs_search_tell(search.handle) == BS_OK);
  while (search.step(model) > 0) {
  }
  for (Outcome one; search.take(one);) CHECK(same(one, expected[static_cast<std::size_t>(one.result.id)]));
}

TEST_CASE("an image that is wrong already is delivered as it is, after one evaluation") {
  Random random(304);
  const Linear model(20, 4, random);
  for (bs_search_method method : kMethods) {
    Task task;
    task.image = classifiers::random_image(20, random);
    const int predicted = model.predict(task.image.data());
    auto options = options_for(model, 1, method);
    options.confidence = 1e6;  // asked of what is found, not of the image
    for (bool targeted : {false, true}) {
      task.label = (predicted + 1) % 4;
      task.target = targeted ? predicted : -1;
      const Outcome outcome = alone(options, model, {task}).front();
      CHECK(outcome.status() == BS_LANE_ALREADY);
      CHECK(outcome.example == task.image);
      CHECK(outcome.result.distance == 0.0);
      CHECK(outcome.result.margin < 0.0);
      CHECK(outcome.result.prediction == predicted);
      CHECK(outcome.result.clean_prediction == predicted);
      CHECK(outcome.result.evaluations == 1.0);
      CHECK(outcome.result.kkt_residual == 0.0);
    }
  }
}

TEST_CASE("a model that never changes its mind: failed, within the budget, and the image comes back") {
  class Constant final : public Classifier {
   public:
    Constant() : Classifier(9, 3) {}
    std::vector<double> logits(const float*) const override { return {2.0, 1.0, 0.0}; }
    void pull_back(const float*, const std::vector<double>&, float* gradient) const override {
      std::memset(gradient, 0, n * sizeof(float));
    }
  } model;
  for (bs_search_method method : kMethods) {
    for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
      for (double quantization : {0.0, 8.0}) {
        for (int target : {-1, 2}) {
          auto options = options_for(model, 1, method, effort);
          options.quantization = quantization;
          Task task;
          task.image.assign(9, 0.5f);
          task.target = target;
          const Outcome outcome = alone(options, model, {task}).front();
          CHECK(outcome.status() == BS_LANE_FAILED);
          CHECK(outcome.example == task.image);
          CHECK(std::isnan(outcome.result.distance));
          CHECK(std::isnan(outcome.result.kkt_residual));
          CHECK(outcome.result.margin == (target < 0 ? 1.0 : 2.0));
          CHECK(outcome.result.prediction == 0.0);
          CHECK(outcome.result.evaluations <= (method == BS_SEARCH_PENALTY ? 4000.0 : 1600.0));
        }
      }
    }
  }
}

TEST_CASE("a lattice without an adversarial point: failed, and the image's own margin and class are told") {
  // Adversarial only where 0.4 < x < 0.6 in every pixel, between the two levels of one bit.
  class Slab final : public Classifier {
   public:
    Slab() : Classifier(2, 2) {}
    std::vector<double> logits(const float* x) const override {
      return {10.0 * std::fmax(std::fabs(x[0] - 0.5), std::fabs(x[1] - 0.5)), 1.0};
    }
    void pull_back(const float* x, const std::vector<double>& w, float* gradient) const override {
      const int far = std::fabs(x[0] - 0.5) >= std::fabs(x[1] - 0.5) ? 0 : 1;
      gradient[far] = static_cast<float>(w[0] * (x[far] > 0.5f ? 10.0 : -10.0));
      gradient[1 - far] = 0.0f;
    }
  } model;
  Task task;
  task.image = {0.0f, 0.25f};
  for (bs_search_method method : kMethods) {
    auto options = options_for(model, 1, method);
    CHECK(alone(options, model, {task}).front().succeeded());
    options.quantization = 1.0;
    const Outcome outcome = alone(options, model, {task}).front();
    CHECK(outcome.status() == BS_LANE_FAILED);
    CHECK(outcome.example == task.image);
    CHECK(std::isnan(outcome.result.distance));
    CHECK(outcome.result.margin == 4.0);
    CHECK(outcome.result.prediction == 0.0);
  }
}

TEST_CASE("not a number at the image ends its lane and no other") {
  Random random(305);
  const Linear sound(24, 4, random);
  const std::vector<Task> tasks = tagged_tasks(sound, 12, random);
  for (int what = 0; what < 3; ++what) {
    const auto spoil = [what](int, float* logits, float* gradient) {
      if (what == 0) logits[1] = std::nanf("");
      if (what == 1) logits[0] = HUGE_VALF;
      if (what == 2) gradient[7] = std::nanf("");
    };
    for (bs_search_method method : kMethods) {
      CAPTURE(what);
      CAPTURE(method);
      const Faulty quiet(sound, 0, nullptr), faulty(sound, 4, spoil);
      const auto options = options_for(quiet, 5, method);
      const std::vector<Outcome> expected = search_run::run(options, quiet, tasks);
      const std::vector<Outcome> found = search_run::run(options, faulty, tasks);
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        CAPTURE(i);
        if (i % 3 != 0) {
          CHECK(same(found[i], expected[i]));
          continue;
        }
        CHECK(found[i].status() == BS_LANE_NOT_FINITE);
        CHECK(found[i].example == tasks[i].image);
        // Once more off the walls of the box, when the gradient alone is at fault.
        CHECK(found[i].result.evaluations <= (what == 2 ? 2.0 : 1.0));
        CHECK(std::isnan(found[i].result.distance));
        CHECK(std::isnan(found[i].result.kkt_residual));
        CHECK_FALSE(found[i].result.margin < 0.0);
      }
    }
  }
}

TEST_CASE("not a number later in a search: the lane recovers, and its neighbours never notice") {
  Random random(306);
  const Linear sound(24, 4, random, 3.0);
  const std::vector<Task> tasks = tagged_tasks(sound, 12, random);
  // From the second evaluation: now and then; for a while; all gradients infinite now and then.
  const Faulty::Spoil spoils[] = {
      [](int evaluation, float* logits, float*) {
        if (evaluation % 3 == 2) logits[0] = std::nanf("");
      },
      [](int evaluation, float* logits, float*) {
        if (evaluation >= 1 && evaluation < 8) logits[2] = -HUGE_VALF;
      },
      [](int evaluation, float*, float* gradient) {
        if (evaluation % 4 == 1) gradient[0] = HUGE_VALF;
      },
  };
  for (const Faulty::Spoil& spoil : spoils) {
    for (bs_search_method method : kMethods) {
      for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
        CAPTURE(method);
        CAPTURE(effort);
        const Faulty quiet(sound, 0, nullptr), faulty(sound, 4, spoil);
        const auto options = options_for(quiet, 5, method, effort);
        const std::vector<Outcome> expected = search_run::run(options, quiet, tasks);
        const std::vector<Outcome> found = search_run::run(options, faulty, tasks);
        for (std::size_t i = 0; i < tasks.size(); ++i) {
          CAPTURE(i);
          if (i % 3 != 0) {
            CHECK(same(found[i], expected[i]));
          } else {
            CHECK(found[i].succeeded());
            search_run::check_proof(options, quiet, tasks[i], found[i]);
          }
        }
      }
    }
  }
}

TEST_CASE("a model that is undefined a little way beyond the boundary: steps get shorter until they meet it") {
  // Margin 1 - u^3, u = sum x / 4, without an answer for u > 1.3. From u = 0.3 the linear model leads to u = 3.9.
  class Cliff final : public Classifier {
   public:
    Cliff() : Classifier(16, 2) {}
    std::vector<double> logits(const float* x) const override {
      const double u = position(x);
      return {u > 1.3 ? std::nan("") : 1.0 - u * u * u, 0.0};
    }
    void pull_back(const float* x, const std::vector<double>& w, float* gradient) const override {
      const double u = position(x);
      for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<float>(-0.75 * u * u * w[0]);
    }

   private:
    double position(const float* x) const {
      double sum = 0.0;
      for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
      return sum / 4.0;
    }
  } model;
  Task task;
  task.image.assign(16, 0.075f);
  for (bs_search_method method : kMethods) {
    for (int target : {-1, 1}) {
      CAPTURE(method);
      task.target = target;
      const auto options = options_for(model, 1, method);
      const Outcome outcome = alone(options, model, {task}).front();
      REQUIRE(outcome.succeeded());
      search_run::check_proof(options, model, task, outcome);
      CHECK(outcome.result.distance == doctest::Approx(0.7).epsilon(method == BS_SEARCH_BOUNDARY ? 0.002 : 0.02));
    }
  }
}

TEST_CASE("nothing but NaN after the image: failed, within the method's whole budget") {
  Random random(307);
  const Linear model(24, 4, random);
  for (bs_search_method method : kMethods) {
    for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
      for (int target : {-1, 1}) {
        Task task;
        task.image = classifiers::random_image(24, random);
        task.label = model.predict(task.image.data());
        if (target >= 0) task.target = (task.label + target) % 4;
        Search search(options_for(model, 1, method, effort));
        REQUIRE(search.submit(task) == BS_OK);
        Outcome one;
        for (int evaluation = 0; !search.take(one); ++evaluation) {
          REQUIRE(evaluation < 5000);
          REQUIRE(bs_search_ask(search.handle) == 1);
          model.answer(search.point(0), search.class_asked(0), bs_search_sign(search.handle)[0],
                       bs_search_temperature(search.handle)[0], search.logits(0), search.gradient(0));
          if (evaluation > 0) search.logits(0)[0] = std::nanf("");
          REQUIRE(bs_search_tell(search.handle) == BS_OK);
        }
        CHECK(one.status() == BS_LANE_FAILED);
        CHECK(one.example == task.image);
        CHECK(one.result.margin == model.hard_margin(task.image.data(), task.label, task.target));
        CHECK(one.result.evaluations <= (method == BS_SEARCH_PENALTY ? 4000.0 : 1600.0));
      }
    }
  }
}
