// Which classes are gone to, where units are saturated at the image and gradients there tell nothing of distances.
#include "search/class_screening.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "memory/arena.hpp"
#include "search_run.hpp"

using blindspot::ClassScreening;
using classifiers::Classifier;

namespace {

// Label 0 has logit 0. Class 1 rises linearly with x_0: its boundary is 0.5 away from (0.5, 0.5, ...). Class 2 is a unit of x_1, saturated
// there: its boundary is 0.2 away, but its linearisation puts it 40 away, far outside the box.
class Saturated final : public Classifier {
 public:
  Saturated() : Classifier(4, 3) {}

  std::vector<double> logits(const float* x) const override {
    return {0.0, 6.0 * (static_cast<double>(x[0]) - 1.0), 8.0 * unit(x) - 4.0};
  }

  void pull_back(const float* x, const std::vector<double>& w, float* gradient) const override {
    for (std::size_t i = 0; i < n; ++i) gradient[i] = 0.0f;
    gradient[0] = static_cast<float>(6.0 * w[1]);
    gradient[1] = static_cast<float>(8.0 * kGain * unit(x) * (1.0 - unit(x)) * w[2]);
  }

 private:
  static constexpr double kGain = 40.0;
  static double unit(const float* x) { return 1.0 / (1.0 + std::exp(-kGain * (static_cast<double>(x[1]) - 0.7))); }
};

struct Screened {
  explicit Screened(int classes) {
    options.n = 2;
    options.classes = classes;
    options.metric = &blindspot::metric_of(BS_NORM_L2);
    blindspot::ArenaMeter meter;
    ClassScreening measured;
    measured.carve(meter, options);
    REQUIRE(arena.reserve(meter.bytes()));
    screening.carve(arena, options);
    screening.use_scratch(scratch);
    screening.begin(options, x);
  }

  // The gradient of class k's margin at the image is `slope` along pixel 0.
  void answer(double margin, float slope) {
    const float gradient[] = {slope, 0.0f};
    screening.absorb(margin, std::fabs(static_cast<double>(slope)), gradient);
  }

  blindspot::SearchOptions options;
  blindspot::Arena arena;
  float x[2] = {0.5f, 0.5f};
  float buffers[2][2] = {};
  float* scratch[2] = {buffers[0], buffers[1]};
  ClassScreening screening;
};

}  // namespace

TEST_CASE("a class whose linearised boundary lies outside the box is gone to") {
  const Saturated model;
  for (const bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
    search_run::Task task;
    task.image.assign(model.n, 0.5f);
    const auto options = search_run::options_for(model, 1, BS_SEARCH_BOUNDARY, effort);
    const auto outcomes = search_run::run(options, model, {task});
    REQUIRE(outcomes[0].succeeded());
    CHECK(outcomes[0].result.prediction == 2);
    CHECK(outcomes[0].result.distance == doctest::Approx(0.2).epsilon(1e-3));
  }
}

TEST_CASE("classes are ranked by first-order distance, those outside the box last, by margin over slope") {
  Screened one(5);
  const float logits[] = {9.0f, 5.0f, 4.0f, 3.0f, 2.0f};
  one.screening.order_by_logits(logits, 0);
  const auto& schedule = blindspot::schedule_of(one.options.effort, blindspot::Goal{});
  const double margins[] = {4.0, 5.0, 6.0, 7.0};
  const float slopes[] = {-1.0f, -50.0f, -3.0f, -20.0f};  // distances: outside, 0.1, outside, 0.35
  for (int k = 1; k <= 4; ++k) {
    REQUIRE(one.screening.next_question(schedule) == k);
    one.answer(margins[k - 1], slopes[k - 1]);
  }
  CHECK(one.screening.next_question(schedule) == -1);
  one.screening.rank(4);
  REQUIRE(one.screening.count() == 4);
  const int ranked[] = {2, 4, 3, 1};
  for (int j = 0; j < 4; ++j) CHECK(one.screening.candidate(j).one_hot == ranked[j]);
  CHECK(one.screening.candidate(0).distance == doctest::Approx(0.1));
  CHECK(one.screening.candidate(2).distance == HUGE_VAL);
}

TEST_CASE("where the distance found is off by over a factor of two, classes are asked for once more there") {
  Screened one(4);
  const float logits[] = {9.0f, 5.0f, 4.0f, 3.0f};
  one.screening.order_by_logits(logits, 0);
  const auto& schedule = blindspot::schedule_of(one.options.effort, blindspot::Goal{});
  for (int k = 1; k <= 3; ++k) {
    REQUIRE(one.screening.next_question(schedule) == k);
    one.answer(4.0 + k, -40.0f);  // distances 0.125, 0.15, 0.175
  }
  one.screening.rank(4);
  CHECK_FALSE(one.screening.failed(1, 0.2));
  CHECK_FALSE(one.screening.failed(1, 0.07));
  CHECK(one.screening.failed(1, 0.3));
  CHECK(one.screening.failed(1, 0.05));

  // Class 1 was found at 0.3: the others are probed there, up pixel 0. Class 3 shows itself the nearer one.
  float probe[2];
  REQUIRE(one.screening.next_probe(1, 0.3, probe) == 2);
  CHECK(probe[0] == doctest::Approx(0.8f));
  CHECK(probe[1] == 0.5f);
  const float gradient[] = {-10.0f, 0.0f};
  one.screening.absorb_probe(1.0, 10.0, gradient, probe);  // 4 at the image: its boundary at 0.4
  REQUIRE(one.screening.next_probe(1, 0.3, probe) == 3);
  one.screening.absorb_probe(-1.0, 10.0, gradient, probe);  // 2 there: 0.2
  CHECK(one.screening.next_probe(1, 0.3, probe) == -1);
  CHECK(one.screening.next_probe_start(0.3, probe) == 3);
  CHECK(one.screening.next_probe_start(0.3, probe) == 2);
  CHECK(one.screening.next_probe_start(0.3, probe) == -1);
}
