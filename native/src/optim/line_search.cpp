#include "optim/line_search.hpp"

#include <algorithm>
#include <cmath>

namespace blindspot {

namespace {

constexpr double kExtrapolateLow = 1.1;
constexpr double kExtrapolateHigh = 4.0;
constexpr double kBisectAbove = 0.66;  // the interval must shrink to this much in two trials
constexpr double kStayWithin = 0.66;   // of the way to the other end

// theta and gamma of the cubic through (a, fa, ga) and (b, fb, gb), scaled against overflow. Rounding can
// take the root's argument under 0, where it means 0.
struct Cubic {
  double theta, gamma;
};

Cubic cubic(double step_a, double value_a, double slope_a, double step_b, double value_b, double slope_b) {
  const double theta = 3.0 * (value_a - value_b) / (step_b - step_a) + slope_a + slope_b;
  const double scale = std::max({std::fabs(theta), std::fabs(slope_a), std::fabs(slope_b)});
  const double ratio = theta / scale;
  const double square = ratio * ratio - slope_a / scale * (slope_b / scale);
  return {theta, scale * std::sqrt(std::max(0.0, square))};
}

}  // namespace

void MoreThuente::start(double value, double slope, double first, double longest) {
  start_value_ = value;
  start_slope_ = slope;
  set_longest(longest);
  step_ = first;
  bracketed_ = false;
  stage_one_ = true;
  best_ = {0.0, value, slope};
  other_ = {0.0, value, slope};
  low_ = 0.0;
  high_ = first + kExtrapolateHigh * first;
}

void MoreThuente::set_longest(double longest) {
  longest_ = longest;
  width_ = longest;
  width_before_ = 2.0 * longest;
}

bool MoreThuente::accepts(double value, double slope) const {
  return value <= start_value_ + step_ * (kDecrease * start_slope_) && std::fabs(slope) <= kCurvature * -start_slope_;
}

MoreThuente::Answer MoreThuente::retreat() {
  longest_ = step_;
  if (bracketed_ && std::fabs(other_.step - best_.step) > std::fabs(step_ - best_.step)) other_.step = step_;
  const double next = best_.step + 0.25 * (step_ - best_.step);
  if (next == best_.step || next == step_) return Answer::kStopped;
  high_ = std::min(high_, longest_);
  step_ = next;
  return Answer::kEvaluate;
}

MoreThuente::Answer MoreThuente::advance(double value, double slope) {
  if (!std::isfinite(value) || !std::isfinite(slope)) return retreat();
  const double test_slope = kDecrease * start_slope_;
  const double test_value = start_value_ + step_ * test_slope;
  if (stage_one_ && value <= test_value && slope >= 0.0) stage_one_ = false;

  if (accepts(value, slope)) return Answer::kConverged;
  if (bracketed_ && (step_ <= low_ || step_ >= high_)) return Answer::kStopped;
  if (bracketed_ && high_ - low_ <= kRelativeWidth * high_) return Answer::kStopped;
  if (step_ == longest_ && value <= test_value && slope <= test_slope) return Answer::kStopped;
  if (step_ == 0.0) return Answer::kStopped;

  if (stage_one_ && value <= best_.value && value > test_value) {
    const auto tilt = [test_slope](const Point& p) {
      return Point{p.step, p.value - p.step * test_slope, p.slope - test_slope};
    };
    Point best = tilt(best_);
    Point other = tilt(other_);
    propose(best, other, tilt({step_, value, slope}));
    best_ = {best.step, best.value + best.step * test_slope, best.slope + test_slope};
    other_ = {other.step, other.value + other.step * test_slope, other.slope + test_slope};
  } else {
    propose(best_, other_, {step_, value, slope});
  }

  if (bracketed_) {
    const double distance = std::fabs(other_.step - best_.step);
    if (distance >= kBisectAbove * width_before_) step_ = best_.step + 0.5 * (other_.step - best_.step);
    width_before_ = width_;
    width_ = distance;
    low_ = std::min(best_.step, other_.step);
    high_ = std::max(best_.step, other_.step);
  } else {
    low_ = step_ + kExtrapolateLow * (step_ - best_.step);
    high_ = step_ + kExtrapolateHigh * (step_ - best_.step);
  }
  step_ = std::clamp(step_, 0.0, longest_);
  if (bracketed_ && (step_ <= low_ || step_ >= high_ || high_ - low_ <= kRelativeWidth * high_)) {
    step_ = best_.step;
  }
  return Answer::kEvaluate;
}

// The next trial from the present one, and the interval updated. Moré and Thuente's four cases.
void MoreThuente::propose(Point& best, Point& other, const Point& trial) {
  const double gap = trial.step - best.step;
  const bool opposite = trial.slope * (best.slope / std::fabs(best.slope)) < 0.0;
  double next;

  if (trial.value > best.value) {
    // Higher: a minimum lies between. The cubic's minimiser if nearer to best than the parabola's, else
    // their mean.
    const Cubic fit = cubic(best.step, best.value, best.slope, trial.step, trial.value, trial.slope);
    const double gamma = trial.step < best.step ? -fit.gamma : fit.gamma;
    const double p = gamma - best.slope + fit.theta;
    const double q = gamma - best.slope + gamma + trial.slope;
    const double by_cubic = best.step + p / q * gap;
    const double by_parabola = best.step + best.slope / ((best.value - trial.value) / gap + best.slope) / 2.0 * gap;
    next = std::fabs(by_cubic - best.step) < std::fabs(by_parabola - best.step)
               ? by_cubic
               : by_cubic + (by_parabola - by_cubic) / 2.0;
    bracketed_ = true;
  } else if (opposite) {
    // Lower, and the slope changed sign: a minimum lies between. The farther of cubic and secant.
    const Cubic fit = cubic(best.step, best.value, best.slope, trial.step, trial.value, trial.slope);
    const double gamma = trial.step > best.step ? -fit.gamma : fit.gamma;
    const double p = gamma - trial.slope + fit.theta;
    const double q = gamma - trial.slope + gamma + best.slope;
    const double by_cubic = trial.step - p / q * gap;
    const double by_secant = trial.step - trial.slope / (trial.slope - best.slope) * gap;
    next = std::fabs(by_cubic - trial.step) > std::fabs(by_secant - trial.step) ? by_cubic : by_secant;
    bracketed_ = true;
  } else if (std::fabs(trial.slope) < std::fabs(best.slope)) {
    // Lower, same sign, flatter: the cubic's minimiser when it lies beyond the trial.
    const Cubic fit = cubic(best.step, best.value, best.slope, trial.step, trial.value, trial.slope);
    const double gamma = trial.step > best.step ? -fit.gamma : fit.gamma;
    const double p = gamma - trial.slope + fit.theta;
    const double q = gamma + (best.slope - trial.slope) + gamma;
    const double r = p / q;
    double by_cubic;
    if (r < 0.0 && gamma != 0.0) {
      by_cubic = trial.step - r * gap;
    } else {
      by_cubic = trial.step > best.step ? high_ : low_;
    }
    const double by_secant = trial.step - trial.slope / (trial.slope - best.slope) * gap;
    const bool cubic_nearer = std::fabs(by_cubic - trial.step) < std::fabs(by_secant - trial.step);
    if (bracketed_) {
      const double limit = trial.step + kStayWithin * (other.step - trial.step);
      next = cubic_nearer ? by_cubic : by_secant;
      next = trial.step > best.step ? std::min(limit, next) : std::max(limit, next);
    } else {
      next = cubic_nearer ? by_secant : by_cubic;
      next = std::max(low_, std::min(high_, next));
    }
  } else if (bracketed_) {
    // Lower, same sign, no flatter: the cubic with the other end.
    const Cubic fit = cubic(other.step, other.value, other.slope, trial.step, trial.value, trial.slope);
    const double gamma = trial.step > other.step ? -fit.gamma : fit.gamma;
    const double p = gamma - trial.slope + fit.theta;
    const double q = gamma - trial.slope + gamma + other.slope;
    next = trial.step + p / q * (other.step - trial.step);
  } else {
    next = trial.step > best.step ? high_ : low_;
  }

  if (trial.value > best.value) {
    other = trial;
  } else {
    if (opposite) other = best;
    best = trial;
  }
  step_ = next;
}

}  // namespace blindspot
