#include "search/penalty_search.hpp"

#include <cmath>
#include <cstring>

#include "linalg/vector_ops.hpp"

namespace blindspot {
namespace {

constexpr double kTemperature = 1.0;  // the margin is the cross-entropy's own
constexpr int kFastBudget = 1000;
constexpr int kThoroughBudget = 4000;
constexpr int kStepsOfOneC = 100;
constexpr double kFactor = 4.0;  // between trials while only successes, or only failures, are known
constexpr double kLeastC = 1e-9;
constexpr double kFastRatio = 1.02;  // of smallest failure to largest success, at which the bisection ends
constexpr double kThoroughRatio = 1.002;

double softplus(double s) { return s > 0.0 ? s + std::log1p(std::exp(-s)) : std::log1p(std::exp(s)); }
double sigmoid(double s) { return s > 0.0 ? 1.0 / (1.0 + std::exp(-s)) : std::exp(s) / (1.0 + std::exp(s)); }

}  // namespace

Lbfgsb<float>::Options PenaltySearch::solver_options(const SearchOptions& options) {
  Lbfgsb<float>::Options solver;
  solver.n = options.n;
  solver.memory = 8;
  solver.max_evaluations = kStepsOfOneC;
  return solver;
}

void PenaltySearch::begin(const SearchOptions& options, double id, Goal goal) {
  open(options, id, goal);
  minimising_ = false;
  const int own = options.effort != BS_EFFORT_FAST ? kThoroughBudget : kFastBudget;
  budget_ = options.max_evaluations > 0 ? options.max_evaluations : own;
  largest_success_ = 0.0;
  smallest_failure_ = HUGE_VAL;
  ask_goal(kTemperature);
}

void PenaltySearch::tell(const float* logits, const float* gradient) {
  const bool finite = judge(logits, gradient);
  if (delivering()) return go_on_delivering(finite, logits, gradient);
  const double margin = finite ? smoothed_margin(logits, options_->classes, question_) : 0.0;
  if (!minimising_) {  // at the image
    if (adversarial_) return close(BS_LANE_ALREADY);
    if (!finite) return close(BS_LANE_NOT_FINITE);
    if (evaluations_ >= budget_) return deliver(BS_LANE_BUDGET, kTemperature);
    // On a linear boundary at distance s / |a| the minimiser reaches it at 2 c |r| = |a| / 2.
    const double slope = vector_ops<float>().dot(gradient, gradient, options_->n);
    c_ = std::fmax(slope / (4.0 * std::fmax(margin, 1e-3)), 1e3 * kLeastC);
    return start_minimisation();
  }

  double value = HUGE_VAL;
  if (finite) {
    const double weight = sigmoid(margin);
    double length = 0.0;
    float* out = solver_.gradient();
    for (std::size_t i = 0; i < options_->n; ++i) {
      const double r = static_cast<double>(point_[i]) - static_cast<double>(x_[i]);
      length += r * r;
      out[i] = static_cast<float>(2.0 * c_ * r + weight * static_cast<double>(gradient[i]));
    }
    value = c_ * length + softplus(margin);
  }
  if (value < lowest_) {
    lowest_ = value;
    last_adversarial_ = adversarial_;
  }
  const bs_minimizer_status status = solver_.tell(value);
  if (evaluations_ >= budget_) return deliver(BS_LANE_BUDGET, kTemperature);
  if (status != BS_MINIMIZER_EVALUATE) return after_minimisation();
  std::memcpy(point_, solver_.x(), options_->n * sizeof(float));
}

void PenaltySearch::start_minimisation() {
  ++starts_;
  lowest_ = HUGE_VAL;
  last_adversarial_ = false;
  const std::size_t n = options_->n;
  std::memcpy(solver_.x(), succeeded() ? best_ : x_, n * sizeof(float));
  for (std::size_t i = 0; i < n; ++i) {
    solver_.lower()[i] = options_->box.lower;
    solver_.upper()[i] = options_->box.upper;
  }
  solver_.set_tolerances(1e-5 * std::fmin(1.0, c_), 1e-6);
  solver_.start();
  std::memcpy(point_, solver_.x(), n * sizeof(float));
  minimising_ = true;
}

void PenaltySearch::after_minimisation() {
  if (last_adversarial_) {
    largest_success_ = std::fmax(largest_success_, c_);
  } else {
    smallest_failure_ = std::fmin(smallest_failure_, c_);
  }
  if (largest_success_ == 0.0) {
    if (c_ <= kLeastC) return deliver(BS_LANE_CONVERGED, kTemperature);
    c_ /= kFactor;
  } else if (smallest_failure_ == HUGE_VAL) {
    c_ *= kFactor;
  } else {
    const double enough = options_->effort != BS_EFFORT_FAST ? kThoroughRatio : kFastRatio;
    if (smallest_failure_ <= enough * largest_success_) return deliver(BS_LANE_CONVERGED, kTemperature);
    c_ = std::sqrt(largest_success_ * smallest_failure_);
  }
  start_minimisation();
}

}  // namespace blindspot
