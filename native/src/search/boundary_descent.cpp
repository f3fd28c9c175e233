#include "search/boundary_descent.hpp"

#include <cmath>
#include <cstring>
#include <utility>

#include "linalg/search_ops.hpp"
#include "linalg/vector_ops.hpp"
#include "search/kkt_residual.hpp"

namespace blindspot {
namespace {

// Found by search over seven networks (docs/benchmarks.md); results change little within a factor of two of each.
constexpr double kFirstSmoothness = 0.1;
constexpr double kNearSmoothness = 0.5;  // after expect_kinks
constexpr double kSmoothnessMemory = 0.8;
constexpr double kSmoothRatio = 0.03;     // of the trapezoid's error to the linear one, in a step over no kink
constexpr double kRoughShare = 0.12;      // of such steps, below which s has a kink almost everywhere
constexpr double kEarlyRoughShare = 0.3;  // and below which it may have one, while a descent has made few steps
constexpr double kFirstOvershoot = 0.01;
constexpr double kLeastOvershoot = 1e-5;
constexpr double kMostOvershoot = 0.1;
constexpr double kOvershootGrowth = 1.5;  // after a step that did not cross
constexpr double kOvershootDecay = 0.7;   // after one that did
constexpr double kErrorShare = 0.5;       // of the expected error that aim makes up for
constexpr double kLateCrossing = 10.0;   // steps after which, as long as none has crossed, more and more is made up for
constexpr double kPoorPrediction = 0.2;  // linear error over |a| |d|: the trust radius shrinks above,
constexpr double kGoodPrediction = 0.1;  // and grows below
// A step before the first crossing is taken back when it leaves more than so much of the margin and less than so much of
// the slope, and the next one is no longer than so much of it.
constexpr double kNoGain = 0.9;
constexpr double kFlat = 0.2;
constexpr double kRejectedTrust = 0.25;
constexpr double kTrustShrink = 0.8;
constexpr double kTrustGrowth = 1.3;
constexpr double kCheckTrust = 0.1;      // of |f|, while convergence is checked
constexpr double kDisproof = 0.02;       // of |a| |f|, by which a plane may lie above s at the iterate
constexpr double kExclusion = 1e-6;      // of |a| |f|, by which a plane may lie above 0 at the best point
constexpr double kRepetition = 1e-4;     // of |a| |f|, by which a plane may miss s at a point and still foretell it
constexpr double kGain = 3e-4;           // converged: relative gain in distance,
constexpr double kStep = 0.02;           // and relative step, both below these
constexpr double kProgress = 2e-4;       // relative gain of the best distance that counts as progress
constexpr int kPatience = 18;            // steps without it after which a descent has ended
constexpr double kExpectation = 0.7;     // of the first-order distance back to the boundary
constexpr double kNoise = 1e-4;          // of a margin in logits: smaller errors of prediction say nothing
constexpr double kWellExplained = 0.01;  // KKT residual that needs no further proof
constexpr double kRoughProof = 1e-4;     // of |f|: tolerance of the projection that gives the proof
constexpr double kLeastFree = 1e-9;      // of |a|^2: the least that its part off the bounds counts as
constexpr double kLeastSlope = 1e-12;    // of a constraint: flatter ones are scaled as if they had it

}  // namespace

void BoundaryDescent::scale_to(const Answer& answer) { scale_ = 1.0 / std::fmax(answer.slope, kLeastSlope); }

void BoundaryDescent::begin(const SearchOptions& options, double confidence, const float* x, const float* y,
                            const Answer& at_start) {
  x_ = x;
  n_ = options.n;
  box_ = options.box;
  scale_to(at_start);
  confidence_ = scale_ * confidence;
  curvature_.clear();
  planes_ = 1;
  newest_ = 0;
  foretold_ = false;
  const SearchOps& ops = search_ops();
  std::memcpy(center_, y, n_ * sizeof(float));
  ops.scaled_copy(at_start.gradient, static_cast<float>(scale_), n_, plane_[0]);
  margin_ = scale_ * at_start.margin;
  slope_ = scale_ * at_start.slope;
  free_ff_ = free_af_ = 0.0;
  if (y != x) {
    const float* row = plane_[0];
    ops.dots_from(&row, 1, x, y, n_, &free_af_);
    free_ff_ = ops.squared_distance(y, x, n_);
  }
  free_aa_ = slope_ * slope_;  // as without a box
  distance_ = std::sqrt(free_ff_);
  value_[0] = margin_ - free_af_;
  adversarial_ = at_start.adversarial;
  best_distance_ = HUGE_VAL;
  if (adversarial_) {
    best_distance_ = distance_;
    std::memcpy(best_, y, n_ * sizeof(float));
  }
  trust_ = reach_ = HUGE_VAL;
  decay_ = 1.0;
  overshoot_ = kFirstOvershoot;
  smoothness_ = kFirstSmoothness;
  last_error_ = last_step_ = 0.0;
  checking_ = repeating_ = false;
  steps_ = last_progress_ = smooth_steps_ = 0;
}

void BoundaryDescent::expect_kinks() { smoothness_ = kNearSmoothness; }

void BoundaryDescent::keep_within(double reach) { trust_ = std::fmin(trust_, reach); }

void BoundaryDescent::settle(double reach, double decay) {
  reach_ = reach * best_distance_;
  decay_ = decay;
  trust_ = std::fmin(trust_, reach_);
}

bool BoundaryDescent::repeats(int slot) const {
  return std::fabs(at_center_[slot] - margin_) <= kRepetition * slope_ * distance_;
}

// What the planes held say of the iterate, and of the best point. best_moved: that is the iterate; continued: what the
// older ones said of it one step ago is known.
void BoundaryDescent::foretell(bool best_moved, bool continued) {
  const float* rows[kMaxPlanes];
  for (int j = 0; j < planes_; ++j) rows[j] = plane_[j];
  double along[kMaxPlanes];
  search_ops().dots_from(rows, static_cast<std::size_t>(planes_), x_, center_, n_, along);
  for (int j = 0; j < planes_; ++j) {
    at_center_[j] = value_[j] + along[j];
    if (best_moved) at_best_[j] = at_center_[j];
    if (repeats(j)) repeating_ = true;
  }
  if (best_moved || !crossed()) return;
  const int first = continued ? newest_ : 0;
  const int count = continued ? 1 : planes_;
  search_ops().dots_from(rows + first, static_cast<std::size_t>(count), x_, best_, n_, along);
  for (int j = 0; j < count; ++j) at_best_[first + j] = value_[first + j] + along[j];
}

// Which plane the next one replaces: the oldest of those that it repeats (s is still on the same linear piece), so that
// the pieces that meet at a corner are kept while the iterates go to and fro between them; else the oldest of all.
void BoundaryDescent::make_room() {
  if (planes_ < kMaxPlanes) return;
  const int oldest = (newest_ + 1) % kMaxPlanes;
  for (int j = 0; j < kMaxPlanes; ++j) {
    const int slot = (oldest + j) % kMaxPlanes;
    if (!repeats(slot)) continue;
    float* const freed = plane_[slot];
    for (int at = slot; at != oldest;) {
      const int before = (at - 1 + kMaxPlanes) % kMaxPlanes;
      plane_[at] = plane_[before];
      value_[at] = value_[before];
      held_[at] = held_[before];
      at_center_[at] = at_center_[before];
      at_best_[at] = at_best_[before];
      at = before;
    }
    plane_[oldest] = freed;
    return;
  }
}

void BoundaryDescent::add_plane(double value) {
  newest_ = (newest_ + 1) % kMaxPlanes;
  if (planes_ < kMaxPlanes) ++planes_;
  std::swap(plane_[newest_], spare_);
  value_[newest_] = value;
  held_[newest_] = 0.0;
}

bool BoundaryDescent::rough() const { return smooth_steps_ < kRoughShare * steps_; }

bool BoundaryDescent::kinks_prevail() const { return smooth_steps_ < kEarlyRoughShare * steps_; }

double BoundaryDescent::expected_distance() const {
  const double back = margin_ > 0.0 && slope_ > 0.0 ? kExpectation * margin_ / slope_ : 0.0;
  return std::fmin(best_distance_, distance_ + back);
}

// The newest plane last; values without aim; slots: where each is kept.
int BoundaryDescent::gather_planes(const float** rows, double* values, int* slots) const {
  int count = 0;
  if (foretold_ && kinked() && !checking_) {
    for (int j = planes_ - 1; j >= 1; --j) {
      const int slot = (newest_ - j + kMaxPlanes) % kMaxPlanes;
      if (at_center_[slot] > margin_ + kDisproof * slope_ * distance_) continue;
      if (best_distance_ < HUGE_VAL && at_best_[slot] > kExclusion * slope_ * distance_) continue;
      slots[count] = slot;
      rows[count] = plane_[slot];
      values[count++] = value_[slot];
    }
  }
  slots[count] = newest_;
  rows[count] = plane_[newest_];
  values[count++] = value_[newest_];
  return count;
}

// The quasi-Newton step on the coordinates that target_ leaves off the bounds. False when the model is degenerate there.
bool BoundaryDescent::quasi_newton(double multiplier, double aim, Combination& out) {
  const SearchOps& ops = search_ops();
  const double fixed =
      ops.split_free(x_, center_, plane_[newest_], target_, box_.lower, box_.upper, n_, free_f_, free_a_);

  const int pairs = 2 * curvature_.count();
  curvature_.rows(out.rows);
  out.rows[pairs] = free_f_;
  out.rows[pairs + 1] = free_a_;
  out.size = static_cast<std::size_t>(pairs + 2);
  double dots[Combination::kRows][2];  // with f and with a
  ops.pair_dots(out.rows, out.size, free_f_, free_a_, n_, &dots[0][0]);
  double dot_f[Combination::kRows];
  double dot_a[Combination::kRows];
  for (int j = 0; j < pairs + 2; ++j) dot_f[j] = dots[j][0], dot_a[j] = dots[j][1];
  double of_f[Combination::kRows];
  double of_a[Combination::kRows];
  curvature_.multiply(multiplier, dot_f, of_f);
  curvature_.multiply(multiplier, dot_a, of_a);
  double a_hf = dot_a[pairs];
  double a_ha = dot_a[pairs + 1];
  for (int j = 0; j < pairs; ++j) {
    a_hf += of_f[j] * dot_a[j];
    a_ha += of_a[j] * dot_a[j];
  }
  if (!(a_ha > 0.0)) return false;
  const double mu = std::fmax(0.0, (margin_ + aim + fixed - a_hf) / a_ha);
  for (int j = 0; j < pairs; ++j) out.coefficients[j] = static_cast<float>(-(of_f[j] + mu * of_a[j]));
  out.coefficients[pairs] = -1.0f;
  out.coefficients[pairs + 1] = static_cast<float>(-mu);
  return true;
}

bool BoundaryDescent::propose(float* out) {
  const SearchOps& ops = search_ops();
  if (!(slope_ > 0.0) || steps_ - last_progress_ >= kPatience) return false;
  const double inside = 1.5 * confidence_;
  const double most_aim = overshoot_ * slope_ * std::fmax(distance_, 1e-3);
  for (;;) {
    // How far the model is likely to err on the next step, from its last error and the lengths of the two steps. That of
    // the next one is of the step to the newest plane alone, as if no further coordinate met the box or left it.
    const double ahead = std::fmax(0.0, (margin_ + inside - free_af_) / free_aa_);
    double aim = inside + most_aim;
    if (steps_ > 0) {
      const double squared_step = free_ff_ + ahead * (2.0 * free_af_ + ahead * free_aa_);
      double ratio = last_step_ > 0.0 ? std::sqrt(std::fmax(0.0, squared_step)) / last_step_ : 1.0;
      if (smoothness_ < 0.3) ratio *= std::fmin(ratio, 1.0);
      const double share = crossed() ? kErrorShare : kErrorShare * std::fmax(1.0, steps_ / kLateCrossing);
      aim = inside + std::fmin(most_aim, share * last_error_ * std::fmin(ratio, 2.0));
    }
    double multipliers[kMaxPlanes] = {ahead + (aim - inside) / free_aa_};  // to start from

    const float* rows[kMaxPlanes];
    double values[kMaxPlanes];
    int slots[kMaxPlanes];
    int planes = gather_planes(rows, values, slots);
    for (int j = 0; j < planes; ++j) values[j] += aim;
    // Landing within a fifth of aim of the model's boundary is near enough.
    const double tolerance = std::fmax(kExactProjection, 0.2 * aim / slope_);
    float* const landing = smooth() ? target_ : out;
    const double alone = multipliers[0];
    if (planes > 1) {
      double rest = alone;
      for (int j = 0; j < planes - 1; ++j) rest -= multipliers[j] = held_[slots[j]];
      multipliers[planes - 1] = std::fmax(0.0, rest);
    }
    HalfspaceProjection model = project_halfspaces(x_, rows, values, planes, box_, n_, multipliers, landing, tolerance);
    if (!model.solved && planes > 1) {
      rows[0] = plane_[newest_];
      values[0] = values[planes - 1];
      slots[0] = newest_;
      planes = 1;
      model = project_halfspaces(x_, rows, values, planes, box_, n_, &alone, landing, tolerance);
    }
    double multiplier = 0.0;
    for (int j = 0; j < kMaxPlanes; ++j) held_[j] = 0.0;
    for (int j = 0; j < planes; ++j) multiplier += held_[slots[j]] = model.multipliers[j];

    Combination step_of;
    const bool curved = smooth() && quasi_newton(multiplier, aim, step_of);
    const auto move = [&](double share) {
      return ops.move(x_, center_, target_, step_of.coefficients, step_of.rows, step_of.size, static_cast<float>(share),
                      box_.lower, box_.upper, n_, out);
    };
    const MoveSums moved =
        curved ? move(1.0) : MoveSums{ops.squared_distance(landing, center_, n_), model.squared_distance};
    const double step = std::sqrt(moved.dd);

    if (steps_ > 0 && adversarial_ && distance_ <= best_distance_ && step < kStep * distance_ &&
        std::fabs(distance_ - std::sqrt(moved.ff)) < kGain * distance_) {
      if (planes == 1 || checking_) return false;
      checking_ = true;  // several planes may hold the iterate where one would let it go on
      continue;
    }
    if (checking_ && kinked()) trust_ = std::fmin(trust_, kCheckTrust * distance_);
    checking_ = false;
    if (step <= trust_) {
      if (!curved && landing != out) std::memcpy(out, landing, n_ * sizeof(float));
      return true;
    }

    const double share = trust_ / step;
    if (curved) {
      move(share);
      return true;
    }
    // A shorter step along the boundary: project a point between the iterate and x, so that the way back to the
    // boundary is made in full.
    float* const start = free_f_;
    ops.between(center_, x_, static_cast<float>(share), box_.lower, box_.upper, n_, start);
    double along[kMaxPlanes];
    ops.dots_from(rows, static_cast<std::size_t>(planes), x_, start, n_, along);
    for (int j = 0; j < planes; ++j) {
      values[j] += along[j];
      multipliers[j] = (1.0 - share) * model.multipliers[j];
    }
    project_halfspaces(start, rows, values, planes, box_, n_, multipliers, target_, tolerance);
    const double shorter = std::sqrt(ops.squared_distance(target_, center_, n_));
    const double part = shorter > trust_ ? trust_ / shorter : 1.0;
    ops.between(center_, target_, static_cast<float>(part), box_.lower, box_.upper, n_, out);
    return true;
  }
}

void BoundaryDescent::absorb(const float* point, const Answer& answer) {
  const double margin = scale_ * answer.margin;
  // Whatever this step turns out to be, the descent stays among kinks, where no pair is kept.
  const bool unpaired = kSmoothnessMemory * smoothness_ >= kKinked;
  const StepSums sums = search_ops().compare_points(
      x_, center_, point, plane_[newest_], answer.gradient, static_cast<float>(scale_), box_.lower, box_.upper, n_,
      spare_, unpaired ? nullptr : curvature_.next_move(), unpaired ? nullptr : curvature_.next_change());
  const double step = std::sqrt(sums.dd);
  const double linear_error = std::fabs(margin - (margin_ + sums.a0d));
  const double trapezoid_error = std::fabs(margin - (margin_ + 0.5 * (sums.a0d + sums.a1d)));
  if (step > 1e-6 && linear_error > scale_ * kNoise) {
    const double ratio = std::fmin(1.0, trapezoid_error / linear_error);
    if (ratio < kSmoothRatio) ++smooth_steps_;
    smoothness_ = kSmoothnessMemory * smoothness_ + (1.0 - kSmoothnessMemory) * ratio;
  }
  if (!crossed() && !answer.adversarial && margin > kNoGain * margin_ && scale_ * answer.slope < kFlat * slope_) {
    // Onto a plateau, and hardly nearer to the boundary: the linearisation says nothing so far out.
    trust_ = kRejectedTrust * step;
    curvature_.discard();
    ++steps_;
    return;
  }
  const double prediction = linear_error / (slope_ * step + 1e-12);
  if (prediction > kPoorPrediction) trust_ = std::fmin(trust_, kTrustShrink * step);
  if (prediction < kGoodPrediction) trust_ = std::fmax(trust_, kTrustGrowth * step);
  reach_ *= decay_;
  trust_ = std::fmin(trust_, reach_);
  overshoot_ = answer.adversarial ? std::fmax(kLeastOvershoot, kOvershootDecay * overshoot_)
                                  : std::fmax(overshoot_, std::fmin(kMostOvershoot, kOvershootGrowth * overshoot_));
  last_error_ = linear_error;
  last_step_ = step;
  if (kinked()) {
    curvature_.clear();  // pairs from across a kink mislead
  } else if (step > 1e-7) {
    curvature_.commit(n_);
  } else {
    curvature_.discard();
  }

  margin_ = margin;
  slope_ = scale_ * answer.slope;
  distance_ = std::sqrt(sums.ff);
  free_ff_ = sums.free_ff;
  free_af_ = sums.free_af;
  free_aa_ = std::fmax(sums.free_aa, kLeastFree * slope_ * slope_);
  adversarial_ = answer.adversarial;
  ++steps_;
  if (best_distance_ == HUGE_VAL || (adversarial_ && distance_ < best_distance_ * (1.0 - kProgress))) {
    last_progress_ = steps_;
  }
  const bool best_moved = adversarial_ && distance_ < best_distance_;
  if (best_moved) {
    best_distance_ = distance_;
    std::memcpy(best_, point, n_ * sizeof(float));
  }
  const bool continued = foretold_;
  foretold_ = kinked();
  if (foretold_) {
    foretell(best_moved, continued);
    make_room();
  }
  add_plane(margin - sums.a1f);
}

double BoundaryDescent::explain(const float* y, double margin, float* gradient) {
  const double alone = kkt_residual(x_, y, gradient, box_, n_);
  if (alone <= kWellExplained) return alone;
  const SearchOps& ops = search_ops();
  float* const own = free_f_;
  ops.scaled_copy(gradient, static_cast<float>(scale_), n_, own);
  const float* rows[kMaxPlanes + 1] = {own};
  int slots[kMaxPlanes + 1] = {};
  for (int j = 0; j < planes_; ++j) {
    slots[1 + j] = (newest_ - j + kMaxPlanes) % kMaxPlanes;
    rows[1 + j] = plane_[slots[1 + j]];
  }
  double along[kMaxPlanes + 1];
  ops.dots_from(rows, static_cast<std::size_t>(1 + planes_), x_, y, n_, along);
  // Through y itself: at a minimum the projection of x on these halfspaces and the box is y.
  double values[kMaxPlanes] = {-along[0]};
  int count = 1;
  for (int j = 1; j <= planes_ && count < kMaxPlanes; ++j) {
    const double foretold = value_[slots[j]] + along[j];
    if (std::fabs(foretold - scale_ * margin) > kDisproof * slope_ * distance_) continue;
    rows[count] = rows[j];
    values[count++] = -along[j];
  }
  if (count == 1) return alone;
  // Whatever the multipliers are worth is judged below.
  const HalfspaceProjection model =
      project_halfspaces(x_, rows, values, count, box_, n_, nullptr, target_, kRoughProof * distance_);
  double sum = 0.0;
  for (int j = 0; j < count; ++j) sum += model.multipliers[j];
  if (!(sum > 0.0)) return alone;
  double weights[kMaxPlanes];  // of the constraint as it is
  for (int j = 0; j < count; ++j) weights[j] = model.multipliers[j] / (sum * scale_);
  vector_ops<float>().combine(weights, rows, static_cast<std::size_t>(count), free_a_, n_);
  const double together = kkt_residual(x_, y, free_a_, box_, n_);
  if (!(together < alone)) return alone;
  std::memcpy(gradient, free_a_, n_ * sizeof(float));
  return together;
}

double BoundaryDescent::first_order_distance(const SearchOptions& options, const float* x, const Answer& at_image) {
  if (!(at_image.slope > 0.0)) return HUGE_VAL;
  scale_to(at_image);
  float* const plane = free_a_;
  search_ops().scaled_copy(at_image.gradient, static_cast<float>(scale_), options.n, plane);
  const float* row = plane;
  const double value = scale_ * at_image.margin;
  const double start = std::fmax(0.0, value);  // as without a box
  const HalfspaceProjection projection =
      project_halfspaces(x, &row, &value, 1, options.box, options.n, &start, target_);
  return projection.solved ? std::sqrt(projection.squared_distance) : HUGE_VAL;
}

void BoundaryDescent::retreat(const float* point) {
  trust_ = 0.5 * std::sqrt(search_ops().squared_distance(point, center_, n_));
  ++steps_;
}

}  // namespace blindspot
