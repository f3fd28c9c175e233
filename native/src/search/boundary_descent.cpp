#include "search/boundary_descent.hpp"

#include <cmath>
#include <cstring>

#include "linalg/search_ops.hpp"
#include "search/aggregate_gradient.hpp"

namespace blindspot {
namespace {

// The evidence for each is in docs/algorithm.md.

// Smooth or kinked: the trapezoid's error over the linear one, 0 to 1, averaged over the steps.
constexpr double kSmooth = 0.15;           // below which steps are quasi-Newton ones
constexpr double kKinked = 0.2;            // from which older cuts count and curvature is forgotten
constexpr double kFirstSmoothness = 0.1;   // before the first step
constexpr double kNearSmoothness = 0.5;    // the same after expect_kinks
constexpr double kSmoothnessMemory = 0.8;  // of the average, from step to step
constexpr double kSmoothRatio = 0.03;      // of a step over no kink, at most
constexpr double kRoughShare = 0.12;       // of such steps, below which s has a kink almost everywhere
constexpr double kEarlyRoughShare = 0.3;   // and below which it may have one, while a descent has made few steps
constexpr double kNoise = 1e-4;            // of a margin in logits: smaller errors of prediction say nothing

// Aim: how far across the boundary a step is asked to end, as a share of |a| |f|.
constexpr double kFirstOvershoot = 0.01;  // its bound at first,
constexpr double kLeastOvershoot = 1e-5;
constexpr double kMostOvershoot = 0.1;
constexpr double kOvershootGrowth = 1.5;  // after a step that did not cross,
constexpr double kOvershootDecay = 0.7;   // and after one that did
constexpr double kErrorShare = 0.5;       // of the expected error that aim makes up for
constexpr double kLateCrossing = 10.0;  // steps after which, as long as none has crossed, more and more is made up for
constexpr double kQuadraticSmoothness = 0.3;  // up to which errors fall with the square of the step
constexpr double kMostRatio = 2.0;            // of the next step's error to the last one's
constexpr double kConfidenceAim = 1.5;        // of the confidence that is asked for
constexpr double kLandingShare = 0.2;         // of aim: near enough to the model's boundary
constexpr double kLeastDistance = 1e-3;       // of |f| in the bound on aim

// Trust radius.
constexpr double kPoorPrediction = 0.2;  // linear error over |a| |d|: it shrinks above,
constexpr double kGoodPrediction = 0.1;  // and grows below
constexpr double kTrustShrink = 0.8;     // to so much of the step,
constexpr double kTrustGrowth = 1.3;
// A first step so long, of the box's diagonal, is one of saturated units: the linearisation does not hold so far out.
constexpr double kFar = 0.25;
constexpr double kFarTrust = 0.06;
constexpr double kCheckTrust = 0.1;  // of |f|, while convergence is checked
// A step before the first crossing is taken back when it leaves more than so much of the margin and less than so much of
// the slope, and the next one is no longer than so much of it.
constexpr double kNoGain = 0.9;
constexpr double kFlat = 0.2;
constexpr double kRejectedTrust = 0.25;
// An iterate is on a plateau while nothing has crossed and the slope is under so much of the steepest one met. The way off it is
// walked down the gradient, whose direction holds where its length says nothing, by steps of so much of the first one.
constexpr double kPlateau = 0.05;
constexpr double kWalk = 0.5;
constexpr double kRetreat = 0.5;  // of a step onto a point where the model is not finite

// Ends.
constexpr double kGain = 3e-4;            // converged: relative gain in distance,
constexpr double kStep = 0.02;            // and relative step, both below these
constexpr double kProgress = 2e-4;        // relative gain of the best distance that counts as progress
constexpr double kMarginProgress = 0.02;  // the same of the margin, while none has crossed
constexpr int kPatience = 18;             // steps without it after which a descent has ended
constexpr double kExpectation = 0.7;      // of the first-order distance back to the boundary

constexpr double kLeastFree = 1e-9;  // of |a|^2: the least that its part off the bounds counts as
constexpr double kLeastPair = 1e-7;  // length of a step that says something of curvature,
constexpr double kLeastStep = 1e-6;  // and of kinks

}  // namespace

void BoundaryDescent::begin(const SearchOptions& options, double confidence, const float* x, const float* y,
                            const Answer& at_start) {
  x_ = x;
  n_ = options.n;
  metric_ = options.metric;
  box_ = options.box;
  scale_ = scale_to_unit_slope(at_start.slope);
  confidence_ = scale_ * confidence;
  curvature_.clear();
  bundle_.begin(x, n_);
  const SearchOps& ops = search_ops();
  std::memcpy(center_, y, n_ * sizeof(float));
  ops.scaled_copy(at_start.gradient, static_cast<float>(scale_), n_, bundle_.newest());
  margin_ = scale_ * at_start.margin;
  slope_ = scale_ * at_start.slope;
  free_ff_ = free_af_ = 0.0;
  if (y != x) {
    const float* row = bundle_.newest();
    ops.dots_from(&row, 1, x, y, n_, &free_af_);
    free_ff_ = ops.squared_distance(y, x, n_);
  }
  steepest_ = slope_;
  first_step_ = 0.0;
  least_margin_ = margin_;
  free_aa_ = slope_ * slope_;  // as without a box
  distance_ = std::sqrt(free_ff_);
  bundle_.set_newest_value(margin_ - free_af_);
  adversarial_ = at_start.adversarial;
  best_distance_ = HUGE_VAL;
  if (adversarial_) {
    best_distance_ = distance_;
    std::memcpy(best_, y, n_ * sizeof(float));
  }
  trust_ = trust_bound_ = HUGE_VAL;
  trust_bound_decay_ = 1.0;
  overshoot_ = kFirstOvershoot;
  smoothness_ = kFirstSmoothness;
  last_error_ = last_step_ = 0.0;
  checking_ = false;
  steps_ = last_progress_ = smooth_steps_ = 0;
}

bool BoundaryDescent::kinked() const { return smoothness_ >= kKinked; }

bool BoundaryDescent::smooth() const { return smoothness_ < kSmooth && curvature_.count() > 0; }

void BoundaryDescent::expect_kinks() { smoothness_ = kNearSmoothness; }

void BoundaryDescent::keep_within(double reach) { trust_ = std::fmin(trust_, reach); }

void BoundaryDescent::bound_trust(double reach, double decay) {
  trust_bound_ = reach * best_distance_;
  trust_bound_decay_ = decay;
  trust_ = std::fmin(trust_, trust_bound_);
}

bool BoundaryDescent::flat() const { return !crossed() && slope_ < kPlateau * steepest_; }

bool BoundaryDescent::rough() const { return smooth_steps_ < kRoughShare * steps_; }

bool BoundaryDescent::kinks_prevail() const { return smooth_steps_ < kEarlyRoughShare * steps_; }

double BoundaryDescent::expected_distance() const {
  const double back = margin_ > 0.0 && slope_ > 0.0 ? kExpectation * margin_ / slope_ : 0.0;
  return std::fmin(best_distance_, distance_ + back);
}

Bundle::Iterate BoundaryDescent::iterate(bool best_moved) const {
  return {center_, crossed() ? best_ : nullptr, best_moved, margin_, slope_, distance_};
}

// How far across the boundary the model is asked to land: the error that is likely on the next step, from the last one and the
// lengths of the two. ahead: the multiplier of the step to the newest cut alone, as if no further coordinate met the box or left it.
double BoundaryDescent::aim(double ahead) const {
  const double inside = kConfidenceAim * confidence_;
  const double most = overshoot_ * slope_ * std::fmax(distance_, kLeastDistance);
  if (steps_ == 0) return inside + most;
  const double squared_step = free_ff_ + ahead * (2.0 * free_af_ + ahead * free_aa_);
  double ratio = last_step_ > 0.0 ? std::sqrt(std::fmax(0.0, squared_step)) / last_step_ : 1.0;
  if (smoothness_ < kQuadraticSmoothness) ratio *= std::fmin(ratio, 1.0);
  const double share = crossed() ? kErrorShare : kErrorShare * std::fmax(1.0, steps_ / kLateCrossing);
  return inside + std::fmin(most, share * last_error_ * std::fmin(ratio, kMostRatio));
}

// Projects the image on the cuts, and bends the step where s is smooth. A step that is not curved ends in `out`, or in target_
// when it might have been curved.
void BoundaryDescent::solve_model(float* out, ModelStep& step) {
  const double inside = kConfidenceAim * confidence_;
  const double ahead = std::fmax(0.0, (margin_ + inside - free_af_) / free_aa_);
  const double aim_here = aim(ahead);
  CutModel& cuts = step.cuts;
  cuts = bundle_.model(kinked() && !checking_, iterate(false));
  for (int j = 0; j < cuts.count; ++j) cuts.values[j] += aim_here;
  step.tolerance = std::fmax(kExactProjection, kLandingShare * aim_here / slope_);
  float* const landing = smooth() ? target_ : out;
  const auto project = [&](const double* start) {
    return metric_->project(x_, cuts.rows, cuts.values, cuts.count, box_, n_, start, landing, step.tolerance);
  };
  const double alone = ahead + (aim_here - inside) / free_aa_;
  double start[kMaxPlanes] = {alone};
  if (cuts.count > 1) {
    double rest = alone;
    for (int j = 0; j < cuts.count - 1; ++j) rest -= start[j] = bundle_.multiplier(cuts.slots[j]);
    start[cuts.count - 1] = std::fmax(0.0, rest);
  }
  HalfspaceProjection model = project(start);
  if (!model.solved && cuts.count > 1) {
    cuts.keep_newest();
    model = project(&alone);
  }
  const double multiplier = bundle_.set_multipliers(cuts, model.multipliers);
  std::memcpy(step.multipliers, model.multipliers, sizeof step.multipliers);
  step.landing = landing;
  step.curved = smooth() && quasi_newton(multiplier, aim_here, step.of);
  if (step.curved) {
    const MoveSums moved = move(step.of, 1.0, out);
    step.length = std::sqrt(moved.dd);
    step.reached = std::sqrt(moved.ff);
  } else {
    step.length = std::sqrt(search_ops().squared_distance(landing, center_, n_));
    step.reached = model.length;
  }
}

// Are the model's step and its gain negligible?
bool BoundaryDescent::claims_minimum(const ModelStep& step) const {
  return steps_ > 0 && adversarial_ && distance_ <= best_distance_ && step.length < kStep * distance_ &&
         std::fabs(distance_ - step.reached) < kGain * distance_;
}

// A step along the boundary that is no longer than the trust radius: a point between the iterate and x is projected, so that the
// way back to the boundary is made in full.
void BoundaryDescent::shorten(const ModelStep& step, float* out) {
  const SearchOps& ops = search_ops();
  const double share = trust_ / step.length;
  const CutModel& cuts = step.cuts;
  float* const start = free_f_;
  ops.between(center_, x_, static_cast<float>(share), box_.lower, box_.upper, n_, start);
  double along[kMaxPlanes];
  ops.dots_from(cuts.rows, static_cast<std::size_t>(cuts.count), x_, start, n_, along);
  double values[kMaxPlanes];
  double multipliers[kMaxPlanes] = {};
  for (int j = 0; j < cuts.count; ++j) {
    values[j] = cuts.values[j] + along[j];
    multipliers[j] = (1.0 - share) * step.multipliers[j];
  }
  metric_->project(start, cuts.rows, values, cuts.count, box_, n_, multipliers, target_, step.tolerance);
  const double shorter = std::sqrt(ops.squared_distance(target_, center_, n_));
  const double part = shorter > trust_ ? trust_ / shorter : 1.0;
  ops.between(center_, target_, static_cast<float>(part), box_.lower, box_.upper, n_, out);
}

bool BoundaryDescent::propose(float* out) {
  if (!(slope_ > 0.0) || steps_ - last_progress_ >= kPatience) return false;
  ModelStep step;
  solve_model(out, step);
  if (claims_minimum(step)) {
    if (step.cuts.count == 1 || checking_) return false;
    checking_ = true;  // several cuts may hold the iterate where one would let it go on
    solve_model(out, step);
    if (claims_minimum(step)) return false;
  }
  if (checking_ && kinked()) trust_ = std::fmin(trust_, kCheckTrust * distance_);
  checking_ = false;
  const double diagonal = metric_->diagonal(box_, n_);
  if (steps_ == 0 && !adversarial_ && step.length > kFar * diagonal) trust_ = std::fmin(trust_, kFarTrust * diagonal);
  if (step.length <= trust_) {
    if (!step.curved && step.landing != out) std::memcpy(out, step.landing, n_ * sizeof(float));
  } else if (step.curved) {
    move(step.of, trust_ / step.length, out);
  } else {
    shorten(step, out);
  }
  return true;
}

// Does the step end on a plateau, hardly nearer to the boundary? The linearisation says nothing so far out.
bool BoundaryDescent::onto_plateau(double margin, const Answer& answer) const {
  return !crossed() && !answer.adversarial && !flat() && margin > kNoGain * margin_ &&
         scale_ * answer.slope < kFlat * slope_;
}

// After a step of this length, whose linear prediction of s erred by so much.
void BoundaryDescent::adapt_trust(double linear_error, double step) {
  const double prediction = linear_error / (slope_ * step + 1e-12);
  if (prediction > kPoorPrediction) trust_ = std::fmin(trust_, kTrustShrink * step);
  if (prediction < kGoodPrediction) trust_ = std::fmax(trust_, kTrustGrowth * step);
  trust_bound_ *= trust_bound_decay_;
  trust_ = std::fmin(trust_, trust_bound_);
}

void BoundaryDescent::absorb(const float* point, const Answer& answer) {
  const double margin = scale_ * answer.margin;
  if (onto_plateau(margin, answer)) return shorten_next(point, kRejectedTrust);
  // Whatever this step turns out to be, the descent stays among kinks, where no pair is kept.
  const bool unpaired = kSmoothnessMemory * smoothness_ >= kKinked;
  const StepSums sums = search_ops().compare_points(
      x_, center_, point, bundle_.newest(), answer.gradient, static_cast<float>(scale_), box_.lower, box_.upper, n_,
      bundle_.next(), unpaired ? nullptr : curvature_.next_move(), unpaired ? nullptr : curvature_.next_change());
  const double step = std::sqrt(sums.dd);
  const double linear_error = std::fabs(margin - (margin_ + sums.a0d));
  const double trapezoid_error = std::fabs(margin - (margin_ + 0.5 * (sums.a0d + sums.a1d)));
  if (step > kLeastStep && linear_error > scale_ * kNoise) {
    const double ratio = std::fmin(1.0, trapezoid_error / linear_error);
    if (ratio < kSmoothRatio) ++smooth_steps_;
    smoothness_ = kSmoothnessMemory * smoothness_ + (1.0 - kSmoothnessMemory) * ratio;
  }
  adapt_trust(linear_error, step);
  if (steps_ == 0) first_step_ = step;
  overshoot_ = answer.adversarial ? std::fmax(kLeastOvershoot, kOvershootDecay * overshoot_)
                                  : std::fmax(overshoot_, std::fmin(kMostOvershoot, kOvershootGrowth * overshoot_));
  last_error_ = linear_error;
  last_step_ = step;
  if (kinked()) {
    curvature_.clear();  // pairs from across a kink mislead
  } else if (step > kLeastPair) {
    curvature_.commit(n_);
  } else {
    curvature_.discard();
  }

  margin_ = margin;
  slope_ = scale_ * answer.slope;
  distance_ = std::sqrt(sums.ff);
  steepest_ = std::fmax(steepest_, slope_);
  if (flat()) trust_ = std::fmax(trust_, kWalk * first_step_);
  free_ff_ = sums.free_ff;
  free_af_ = sums.free_af;
  free_aa_ = std::fmax(sums.free_aa, kLeastFree * slope_ * slope_);
  adversarial_ = answer.adversarial;
  ++steps_;
  const bool nearer = crossed() ? adversarial_ && distance_ < best_distance_ * (1.0 - kProgress)
                                : adversarial_ || margin_ < least_margin_ * (1.0 - kMarginProgress);
  if (nearer) last_progress_ = steps_;
  least_margin_ = std::fmin(least_margin_, margin_);
  const bool best_moved = adversarial_ && distance_ < best_distance_;
  if (best_moved) {
    best_distance_ = distance_;
    std::memcpy(best_, point, n_ * sizeof(float));
  }
  bundle_.add(margin - sums.a1f, kinked(), iterate(best_moved));
}

double BoundaryDescent::explain(const float* y, double margin, float* gradient) {
  float* const scratch[] = {free_f_, target_, free_a_};
  const ProofPoint at = {x_, y, metric_, box_, n_, scale_, scale_ * margin, slope_, distance_};
  return aggregate_gradient(bundle_, at, gradient, scratch);
}

void BoundaryDescent::retreat(const float* point) { shorten_next(point, kRetreat); }

// The step to this point is taken back; the next one is no longer than so much of it.
void BoundaryDescent::shorten_next(const float* point, double share) {
  trust_ = share * std::sqrt(search_ops().squared_distance(point, center_, n_));
  ++steps_;
}

}  // namespace blindspot
