// The search through the C header: options, states, and what submit refuses.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "search_run.hpp"

using classifiers::Linear;
using classifiers::Random;
using search_run::Outcome;
using search_run::Search;
using search_run::Task;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

bs_search_options small() { return {6.0, 3.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1e-4, 0.0, 0.0}; }

}  // namespace

TEST_CASE("an option outside its range is refused by name") {
  struct Bad {
    double bs_search_options::*field;
    double value;
    const char* name;
  };
  const Bad list[] = {
      {&bs_search_options::n, 0.0, "n"},
      {&bs_search_options::n, 1.5, "n"},
      {&bs_search_options::n, kNan, "n"},
      {&bs_search_options::n, 3e9, "n"},
      {&bs_search_options::classes, 1.0, "classes"},
      {&bs_search_options::classes, 2.5, "classes"},
      {&bs_search_options::classes, kInf, "classes"},
      {&bs_search_options::lanes, 0.0, "lanes"},
      {&bs_search_options::lanes, 65537.0, "lanes"},
      {&bs_search_options::method, 3.0, "method"},
      {&bs_search_options::method, -1.0, "method"},
      {&bs_search_options::effort, 3.0, "effort"},
      {&bs_search_options::effort, 0.5, "effort"},
      {&bs_search_options::lower, kNan, "lower"},
      {&bs_search_options::lower, -kInf, "lower"},
      {&bs_search_options::upper, kNan, "upper"},
      {&bs_search_options::upper, 1e31, "upper"},
      {&bs_search_options::upper, 0.0, "upper"},
      {&bs_search_options::upper, -1.0, "upper"},
      {&bs_search_options::upper, 1e-60, "upper"},  // 0 in float32, as lower is
      {&bs_search_options::max_evaluations, -1.0, "max_evaluations"},
      {&bs_search_options::max_evaluations, 10.5, "max_evaluations"},
      {&bs_search_options::confidence, -1e-9, "confidence"},
      {&bs_search_options::confidence, kNan, "confidence"},
      {&bs_search_options::confidence, kInf, "confidence"},
      {&bs_search_options::quantization, -1.0, "quantization"},
      {&bs_search_options::quantization, 17.0, "quantization"},
      {&bs_search_options::quantization, 7.5, "quantization"},
      {&bs_search_options::seed, -1.0, "seed"},
      {&bs_search_options::seed, 0.5, "seed"},
      {&bs_search_options::seed, 1e300, "seed"},
      {&bs_search_options::smoothable, -1.0, "smoothable"},
      {&bs_search_options::smoothable, 0.5, "smoothable"},
      {&bs_search_options::smoothable, 2.0, "smoothable"},
      {&bs_search_options::norm, 1.0, "norm"},
  };
  for (const Bad& bad : list) {
    CAPTURE(std::string(bad.name));
    CAPTURE(bad.value);
    bs_search_options options = small();
    options.*bad.field = bad.value;
    Search search(small());  // clears the name
    REQUIRE(std::string(bs_last_option()).empty());
    bs_search* handle = reinterpret_cast<bs_search*>(&options);
    CHECK(bs_search_create(&options, &handle) == BS_ERROR_OPTION);
    CHECK(handle == nullptr);
    CHECK(std::string(bs_last_option()) == bad.name);
    CHECK(std::isnan(bs_search_bytes(&options)));
  }
  CHECK(bs_search_create(nullptr, nullptr) == BS_ERROR_STATE);
  bs_search* handle = nullptr;
  CHECK(bs_search_create(nullptr, &handle) == BS_ERROR_STATE);
  const bs_search_options options = small();
  CHECK(bs_search_create(&options, nullptr) == BS_ERROR_STATE);
  CHECK(std::isnan(bs_search_bytes(nullptr)));
}

TEST_CASE("the rows are aligned to 64 bytes and stay where they are") {
  Search search(small());
  REQUIRE(search.status == BS_OK);
  for (float* row :
       {bs_search_points(search.handle), bs_search_one_hot(search.handle), bs_search_sign(search.handle),
        bs_search_temperature(search.handle), bs_search_logits(search.handle), bs_search_gradients(search.handle),
        bs_search_image(search.handle), bs_search_example(search.handle)}) {
    CHECK(reinterpret_cast<std::uintptr_t>(row) % 64 == 0);
  }
  const float* before = bs_search_points(search.handle);
  Task task;
  task.image.assign(6, 0.5f);
  REQUIRE(search.submit(task) == BS_OK);
  REQUIRE(bs_search_ask(search.handle) == 1);
  CHECK(bs_search_points(search.handle) == before);
}

TEST_CASE("submit refuses labels, targets and pixels that cannot be, and takes no lane for them") {
  bs_search_options options = small();
  options.lower = -0.25;
  options.upper = 0.75;
  Search search(options);
  Task task;
  task.image = {-0.25f, 0.75f, 0.0f, 0.1f, 0.2f, 0.3f};
  const auto with = [&](int label, int target) {
    Task changed = task;
    changed.label = label;
    changed.target = target;
    return search.submit(changed);
  };
  CHECK(with(-1, -1) == BS_ERROR_LABEL);
  CHECK(with(3, -1) == BS_ERROR_LABEL);
  CHECK(with(0, 3) == BS_ERROR_LABEL);
  CHECK(with(0, -2) == BS_ERROR_LABEL);
  CHECK(with(1, 1) == BS_ERROR_LABEL);
  for (float bad : {std::nanf(""), -0.2501f, 0.7501f, HUGE_VALF, -HUGE_VALF}) {
    for (std::size_t at : {0U, 5U}) {
      Task changed = task;
      changed.image[at] = bad;
      CHECK(search.submit(changed) == BS_ERROR_START);
    }
  }
  CHECK(bs_search_free_lanes(search.handle) == 2);
  CHECK(bs_search_ask(search.handle) == 0);
  CHECK(with(0, -1) == BS_OK);
  CHECK(with(2, 0) == BS_OK);
  CHECK(bs_search_free_lanes(search.handle) == 0);
  CHECK(with(0, -1) == BS_ERROR_FULL);
  CHECK(bs_search_ask(search.handle) == 2);
}

TEST_CASE("tell without ask, tell twice, take when none has ended") {
  Random random(400);
  const Linear model(6, 3, random);
  Search search(small());
  bs_search_result result;
  CHECK(bs_search_tell(search.handle) == BS_ERROR_STATE);
  CHECK(bs_search_take(search.handle, &result) == 0);
  Task task;
  task.image.assign(6, 0.5f);
  task.label = model.predict(task.image.data());
  REQUIRE(search.submit(task) == BS_OK);
  CHECK(bs_search_tell(search.handle) == BS_ERROR_STATE);
  CHECK(bs_search_take(search.handle, &result) == 0);
  CHECK(search.step(model) == 1);
  CHECK(bs_search_tell(search.handle) == BS_ERROR_STATE);
  while (search.step(model) > 0) {
  }
  CHECK(bs_search_take(search.handle, nullptr) == 0);
  CHECK(bs_search_free_lanes(search.handle) == 1);
  CHECK(bs_search_take(search.handle, &result) == 1);
  CHECK(bs_search_take(search.handle, &result) == 0);
  CHECK(bs_search_free_lanes(search.handle) == 2);
  bs_search_free(nullptr);
}

TEST_CASE("asking again without telling repeats the question") {
  Random random(401);
  const Linear model(6, 3, random);
  Search search(small());
  Task task;
  task.image = classifiers::random_image(6, random);
  task.label = model.predict(task.image.data());
  REQUIRE(search.submit(task) == BS_OK);
  REQUIRE(search.step(model) == 1);
  REQUIRE(bs_search_ask(search.handle) == 1);
  const std::vector<float> point(search.point(0), search.point(0) + 6);
  const int k = search.class_asked(0);
  CHECK(bs_search_ask(search.handle) == 1);
  CHECK(point == std::vector<float>(search.point(0), search.point(0) + 6));
  CHECK(search.class_asked(0) == k);
}

TEST_CASE("any double is an id") {
  Random random(402);
  const Linear model(6, 3, random);
  for (double id : {-1.5, 1e300, -kInf, 9007199254740993.0}) {
    Search search(search_run::options_for(model, 1, BS_SEARCH_BOUNDARY, BS_EFFORT_THOROUGH));
    Task task;
    task.image = classifiers::random_image(6, random);
    task.label = model.predict(task.image.data());
    task.id = id;
    REQUIRE(search.submit(task) == BS_OK);
    while (search.step(model) > 0) {
    }
    Outcome one;
    REQUIRE(search.take(one));
    CHECK(one.result.id == id);
  }
}

TEST_CASE("two classes, one pixel") {
  class Step final : public classifiers::Classifier {
   public:
    Step() : Classifier(1, 2) {}
    std::vector<double> logits(const float* x) const override {
      return {4.0 * (0.75 - static_cast<double>(x[0])), 0.0};
    }
    void pull_back(const float*, const std::vector<double>& w, float* gradient) const override {
      gradient[0] = static_cast<float>(-4.0 * w[0]);
    }
  } model;
  for (bs_search_method method : {BS_SEARCH_BOUNDARY, BS_SEARCH_PENALTY}) {
    for (int target : {-1, 1}) {
      Task task;
      task.image = {0.25f};
      task.target = target;
      const auto options = search_run::options_for(model, 1, method, BS_EFFORT_THOROUGH);
      const Outcome outcome = search_run::run(options, model, {task}).front();
      search_run::check_proof(options, model, task, outcome);
      CHECK(outcome.result.distance == doctest::Approx(0.5).epsilon(2e-3));
    }
  }
}

TEST_CASE("sizes that the machine cannot address are counted in full, and refused") {
  bs_search_options options = small();
  options.n = 1.0;
  options.lanes = 65536.0;
  options.classes = 65536.0;  // whose product wraps round in 32 bits
  CHECK(bs_search_bytes(&options) >= 4294967295.0);
  options.n = 2147483647.0;
  options.classes = 2.0;
  CHECK(bs_search_bytes(&options) >= 4294967295.0);
  if (sizeof(void*) > 4) return;  // there the system may promise the memory, and kill whoever uses it
  bs_search* handle = nullptr;
  CHECK(bs_search_create(&options, &handle) == BS_ERROR_ALLOCATION);
  CHECK(handle == nullptr);
  options.n = 1.0;
  options.classes = 65536.0;
  CHECK(bs_search_create(&options, &handle) == BS_ERROR_ALLOCATION);
}
