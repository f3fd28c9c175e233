// Runs a queue of images through the search's C functions, lanes refilled as they end.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "blindspot/blindspot.h"
#include "classifiers.hpp"

namespace search_run {

struct Task {
  std::vector<float> image;
  int label = 0;
  int target = -1;
  double id = 0.0;
};

struct Outcome {
  bs_search_result result;
  std::vector<float> example;
  bs_lane_status status() const { return static_cast<bs_lane_status>(static_cast<int>(result.status)); }
  bool succeeded() const {
    return status() == BS_LANE_CONVERGED || status() == BS_LANE_BUDGET || status() == BS_LANE_STALLED;
  }
};

inline bs_search_options options_for(const classifiers::Classifier& model, int lanes = 4,
                                     bs_search_method method = BS_SEARCH_BOUNDARY, bs_effort effort = BS_EFFORT_FAST) {
  bs_search_options options;
  options.n = static_cast<double>(model.n);
  options.classes = model.classes;
  options.lanes = lanes;
  options.method = method;
  options.effort = effort;
  options.lower = 0.0;
  options.upper = 1.0;
  options.max_evaluations = 0.0;
  options.confidence = 1e-4;
  options.quantization = 0.0;
  options.seed = 0.0;
  options.smoothable = 0.0;
  options.norm = BS_NORM_L2;
  return options;
}

class Search {
 public:
  explicit Search(const bs_search_options& options)
      : n_(static_cast<std::size_t>(options.n)), classes_(static_cast<std::size_t>(options.classes)) {
    status = bs_search_create(&options, &handle);
  }
  ~Search() {
    if (handle != nullptr) bs_search_free(handle);
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  int32_t submit(const Task& task) {
    std::memcpy(bs_search_image(handle), task.image.data(), n_ * sizeof(float));
    return bs_search_submit(handle, task.id, task.label, task.target);
  }

  int class_asked(int row) const {
    const float* one_hot = bs_search_one_hot(handle) + static_cast<std::size_t>(row) * classes_;
    int k = -1;
    for (std::size_t j = 0; j < classes_; ++j) {
      if (one_hot[j] == 0.0f) continue;
      if (one_hot[j] != 1.0f || k >= 0) return -1;
      k = static_cast<int>(j);
    }
    return k;
  }

  const float* point(int row) const { return bs_search_points(handle) + static_cast<std::size_t>(row) * n_; }
  float* logits(int row) { return bs_search_logits(handle) + static_cast<std::size_t>(row) * classes_; }
  float* gradient(int row) { return bs_search_gradients(handle) + static_cast<std::size_t>(row) * n_; }

  // Asks, answers by the model and tells; answers the number of rows.
  int step(const classifiers::Classifier& model) {
    const int rows = bs_search_ask(handle);
    for (int row = 0; row < rows; ++row) {
      model.answer(point(row), class_asked(row), bs_search_sign(handle)[row], bs_search_temperature(handle)[row],
                   logits(row), gradient(row));
    }
    if (rows > 0 && bs_search_tell(handle) != BS_OK) return -1;
    return rows;
  }

  bool take(Outcome& out) {
    if (bs_search_take(handle, &out.result) == 0) return false;
    const float* example = bs_search_example(handle);
    out.example.assign(example, example + n_);
    return true;
  }

  int32_t status = -1;
  bs_search* handle = nullptr;

 private:
  std::size_t n_, classes_;
};

// Outcomes in the order of the tasks; ids are their places.
inline std::vector<Outcome> run(const bs_search_options& options, const classifiers::Classifier& model,
                                std::vector<Task> tasks) {
  Search search(options);
  REQUIRE(search.status == BS_OK);
  std::vector<Outcome> outcomes(tasks.size());
  std::size_t next = 0, done = 0;
  while (done < tasks.size()) {
    while (next < tasks.size() && bs_search_free_lanes(search.handle) > 0) {
      tasks[next].id = static_cast<double>(next);
      REQUIRE(search.submit(tasks[next]) == BS_OK);
      ++next;
    }
    REQUIRE(search.step(model) > 0);
    for (Outcome one; search.take(one); ++done) outcomes[static_cast<std::size_t>(one.result.id)] = one;
  }
  return outcomes;
}

// What every delivered result owes, whatever the method: judged again by the model itself.
inline void check_proof(const bs_search_options& options, const classifiers::Classifier& model, const Task& task,
                        const Outcome& outcome) {
  const bs_search_result& result = outcome.result;
  const float lower = static_cast<float>(options.lower), upper = static_cast<float>(options.upper);
  double squared = 0.0;
  bool inside = true;
  for (std::size_t i = 0; i < model.n; ++i) {
    inside = inside && outcome.example[i] >= lower && outcome.example[i] <= upper;
    const double moved = static_cast<double>(outcome.example[i]) - static_cast<double>(task.image[i]);
    squared += moved * moved;
  }
  CHECK(inside);
  CHECK(result.prediction == model.predict(outcome.example.data()));
  CHECK(result.clean_prediction == model.predict(task.image.data()));
  CHECK(result.margin == model.hard_margin(outcome.example.data(), task.label, task.target));
  if (outcome.succeeded()) {
    CHECK(result.distance == doctest::Approx(std::sqrt(squared)).epsilon(1e-13));
    CHECK(result.margin < -options.confidence);
    CHECK(result.kkt_residual >= 0.0);
    CHECK(result.starts >= 1.0);
    if (task.target >= 0) CHECK(result.prediction == task.target);
    if (task.target < 0) CHECK(result.prediction != task.label);
  } else {
    CHECK(squared == 0.0);
    if (outcome.status() == BS_LANE_FAILED) CHECK(std::isnan(result.distance));
    if (outcome.status() == BS_LANE_ALREADY) CHECK(result.distance == 0.0);
  }
}

}  // namespace search_run
