// Lanes searched together: packs the points of the running lanes into rows, hands the answers back, and lets a finished
// lane give up its place at once. Lanes are independent of one another: the order and number of rows change no
// result.
#pragma once

#include <cmath>
#include <cstring>
#include <new>

#include "memory/arena.hpp"
#include "search/batch_door.hpp"
#include "search/method.hpp"

namespace blindspot {

template <SearchMethod Method>
class Batch final : public BatchDoor {
 public:
  explicit Batch(const SearchOptions& options) : options_(options) {}

  // All that create takes, this object included; SIZE_MAX when the machine cannot address that much.
  static std::size_t bytes(const SearchOptions& options) {
    const std::size_t arena = arena_bytes(options);
    return arena > SIZE_MAX - sizeof(Batch) ? SIZE_MAX : arena + sizeof(Batch);
  }

  bool create() {
    if (!arena_.reserve(arena_bytes(options_))) return false;
    carve(arena_);
    rows.start[0] = NAN;
    for (int j = 0; j < options_.lanes; ++j) {
      new (lanes_ + j) Method();
      lanes_[j].carve(arena_, options_);
      lanes_[j].use_scratch(scratch_);
      if (!lanes_[j].create(options_, arena_)) return false;
    }
    return true;
  }
  bs_status submit(double id, int label, int target) override {
    const int classes = options_.classes;
    if (label < 0 || label >= classes || target < -1 || target >= classes || target == label) return BS_ERROR_LABEL;
    for (std::size_t i = 0; i < options_.n; ++i) {
      if (!(rows.image[i] >= options_.box.lower && rows.image[i] <= options_.box.upper)) return BS_ERROR_START;
    }
    const bool started = rows.start[0] == rows.start[0];
    for (std::size_t i = 0; started && i < options_.n; ++i) {
      if (!(rows.start[i] >= options_.box.lower && rows.start[i] <= options_.box.upper)) return BS_ERROR_START;
    }
    for (int tried = 0; tried < options_.lanes; ++tried) {
      const int j = next_idle_;
      next_idle_ = (next_idle_ + 1) % options_.lanes;
      if (!lanes_[j].idle()) continue;
      std::memcpy(lanes_[j].image(), rows.image, options_.n * sizeof(float));
      lanes_[j].begin(options_, id, Goal{label, target});
      if (started) lanes_[j].may_start_from(rows.start);
      rows.start[0] = NAN;
      ++busy_;
      return BS_OK;
    }
    return BS_ERROR_FULL;
  }

  int free_lanes() const override { return options_.lanes - busy_; }

  int ask() override {
    const std::size_t n = options_.n;
    const std::size_t classes = static_cast<std::size_t>(options_.classes);
    asked_ = 0;
    for (int j = 0; j < options_.lanes; ++j) {
      if (!lanes_[j].running()) continue;
      const std::size_t row = static_cast<std::size_t>(asked_);
      const Question& question = lanes_[j].question();
      std::memcpy(rows.points + row * n, lanes_[j].point(), n * sizeof(float));
      std::memset(rows.one_hot + row * classes, 0, classes * sizeof(float));
      rows.one_hot[row * classes + static_cast<std::size_t>(question.one_hot)] = 1.0f;
      rows.sign[row] = static_cast<float>(question.sign);
      rows.temperature[row] = static_cast<float>(question.temperature * lanes_[j].unit());
      rows.smoothing[row] = static_cast<float>(question.smoothing);
      lane_of_row_[asked_++] = j;
    }
    return asked_;
  }

  bs_status tell() override {
    if (asked_ == 0) return BS_ERROR_STATE;
    for (int row = 0; row < asked_; ++row) {
      const std::size_t at = static_cast<std::size_t>(row);
      Method& lane = lanes_[lane_of_row_[row]];
      float* const logits = rows.logits + at * static_cast<std::size_t>(options_.classes);
      float* const gradient = rows.gradients + at * options_.n;
      lane.normalise(logits, gradient);
      lane.tell(logits, gradient);
    }
    asked_ = 0;
    return BS_OK;
  }

  bool take(bs_search_result& out) override {
    for (int tried = 0; tried < options_.lanes; ++tried) {
      const int j = (next_taken_ + tried) % options_.lanes;
      if (!lanes_[j].finished()) continue;
      next_taken_ = (j + 1) % options_.lanes;
      lanes_[j].result(out);
      std::memcpy(rows.example, lanes_[j].example(), options_.n * sizeof(float));
      lanes_[j].release();
      --busy_;
      return true;
    }
    return false;
  }

 private:
  static std::size_t arena_bytes(const SearchOptions& options) {
    const std::uint64_t count = static_cast<std::uint64_t>(options.lanes);
    // The rows' sizes are products that 32 bits may not hold.
    if (count * options.n > SIZE_MAX / 64 || count * static_cast<std::uint64_t>(options.classes) > SIZE_MAX / 64) {
      return SIZE_MAX;
    }
    ArenaMeter meter;
    Batch<Method> measured(options);
    measured.carve(meter);
    // Lanes are alike: one is measured.
    ArenaMeter lane_meter;
    Method lane;
    lane.carve(lane_meter, options);
    const std::uint64_t lane_bytes = lane_meter.bytes() + Method::own_bytes(options);
    const std::uint64_t whole = meter.bytes() + count * lane_bytes;
    return whole / count < lane_bytes || whole > SIZE_MAX ? SIZE_MAX : static_cast<std::size_t>(whole);
  }

  template <typename Source>
  void carve(Source& source) {
    const std::size_t lanes = static_cast<std::size_t>(options_.lanes);
    const std::size_t classes = static_cast<std::size_t>(options_.classes);
    rows.points = source.template take<float>(lanes * options_.n);
    rows.gradients = source.template take<float>(lanes * options_.n);
    rows.one_hot = source.template take<float>(lanes * classes);
    rows.logits = source.template take<float>(lanes * classes);
    rows.sign = source.template take<float>(lanes);
    rows.temperature = source.template take<float>(lanes);
    rows.smoothing = source.template take<float>(lanes);
    rows.image = source.template take<float>(options_.n);
    rows.start = source.template take<float>(options_.n);
    rows.example = source.template take<float>(options_.n);
    lane_of_row_ = source.template take<int>(lanes);
    for (int j = 0; j < Method::kScratchVectors; ++j) scratch_[j] = source.template take<float>(options_.n);
    lanes_ = source.template take<Method>(lanes);
  }

  SearchOptions options_;
  Arena arena_;
  float* scratch_[Method::kScratchVectors + 1] = {};  // of vectors that a lane needs within a call only
  Method* lanes_ = nullptr;
  int* lane_of_row_ = nullptr;
  int asked_ = 0;
  int busy_ = 0;
  int next_idle_ = 0;
  int next_taken_ = 0;
};

}  // namespace blindspot
