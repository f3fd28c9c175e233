#include "search/deepfool_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "linalg/search_ops.hpp"

namespace blindspot {
namespace {

constexpr double kOvershoot = 0.02;  // the paper's
constexpr int kSteps = 50;           // the paper's, at most
constexpr double kTemperature = kTowardsClass;

}  // namespace

void DeepfoolSearch::begin(const SearchOptions& options, double id, Goal goal) {
  open(options, id, goal);
  std::memcpy(iterate_, x_, options.n * sizeof(float));
  std::memset(change_, 0, options.n * sizeof(float));
  screening_classes_ = false;
  const int a_step = goal.targeted() ? 1 : ClassScreening::most(options);
  budget_ = options.max_evaluations > 0 ? options.max_evaluations : kSteps * a_step;
  ask_goal(kTemperature);
}

void DeepfoolSearch::tell(const float* logits, const float* gradient) {
  const bool at_image = evaluations_ == 0;
  const bool finite = judge(logits, gradient);
  if (delivering()) return go_on_delivering(finite, logits, gradient);
  if (at_image && adversarial_) return close(BS_LANE_ALREADY);
  if (at_image && !finite) return close(BS_LANE_NOT_FINITE);
  if (adversarial_) return deliver(BS_LANE_CONVERGED, kTemperature);
  if (!finite || evaluations_ >= budget_) return deliver(BS_LANE_BUDGET, kTemperature);
  const double margin = smoothed_margin(logits, options_->classes, question_);
  if (!screening_classes_) return at_iterate(margin, logits, gradient);
  screening_.absorb(margin, slope_, gradient);
  ask_next_class();
}

void DeepfoolSearch::at_iterate(double margin, const float* logits, const float* gradient) {
  ++starts_;
  screening_.begin(*options_, iterate_);
  if (goal_.targeted()) {
    screening_.add_target({.one_hot = goal_.target, .margin = margin, .slope = slope_}, gradient);
    return step();
  }
  screening_.order_by_logits(logits, goal_.label);
  screening_.next_question(
      schedule_of(options_->effort, goal_));  // the runner-up, away from which this gradient leads already
  screening_.absorb(margin, slope_, gradient);
  screening_classes_ = true;
  ask_next_class();
}

void DeepfoolSearch::ask_next_class() {
  const int next = screening_.next_question(schedule_of(options_->effort, goal_));
  if (next < 0) {
    screening_.rank(1);
    return step();
  }
  question_ = {next, 1.0, kTemperature};
}

void DeepfoolSearch::step() {
  screening_classes_ = false;
  const std::size_t n = options_->n;
  const Box box = options_->box;
  const ClassScreening::Candidate& nearest = screening_.candidate(0);
  if (!(nearest.slope > 0.0)) return deliver(BS_LANE_BUDGET, kTemperature);
  const double scale = scale_to_unit_slope(nearest.slope);
  float* const row = scratch_[0];
  float* const landing = scratch_[1];
  search_ops().scaled_copy(screening_.gradient(nearest), static_cast<float>(scale), n, row);
  const double value = scale * std::fmax(nearest.margin, confidence_);
  options_->metric->project(iterate_, &row, &value, 1, box, n, &value, landing, kExactProjection);
  for (std::size_t i = 0; i < n; ++i) {
    change_[i] += landing[i] - iterate_[i];
    const float moved = x_[i] + static_cast<float>(1.0 + kOvershoot) * change_[i];
    iterate_[i] = point_[i] = std::min(std::max(moved, box.lower), box.upper);
  }
  ask_goal(kTemperature);
}

}  // namespace blindspot
