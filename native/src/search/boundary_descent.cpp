#include "search/boundary_descent.hpp"

#include <cmath>
#include <cstring>

#include "linalg/vector_ops.hpp"
#include "search/kkt_residual.hpp"

namespace blindspot {
namespace {

// Found by search over seven networks (docs/benchmarks.md); results change little within a factor of two of each.
constexpr double kFirstSmoothness = 0.1;
constexpr double kSmoothnessMemory = 0.6;
constexpr double kFirstOvershoot = 0.01;
constexpr double kLeastOvershoot = 1e-5;
constexpr double kMostOvershoot = 0.1;
constexpr double kOvershootGrowth = 1.5;  // after a step that did not cross
constexpr double kOvershootDecay = 0.7;   // after one that did
constexpr double kErrorShare = 0.5;       // of the expected error that aim makes up for
constexpr double kPoorPrediction = 0.2;   // linear error over |a| |d|: the trust radius shrinks above,
constexpr double kGoodPrediction = 0.1;   // and grows below
constexpr double kTrustShrink = 0.8;
constexpr double kTrustGrowth = 1.3;
constexpr double kCheckTrust = 0.1;        // of |f|, while convergence is checked
constexpr double kDisproof = 0.02;         // of |a| |f|, by which a plane may lie above s at the iterate
constexpr double kRepetition = 1e-4;       // of |a| |f|, by which a plane may miss s at a point and still foretell it
constexpr double kGain = 3e-4;             // converged: relative gain in distance,
constexpr double kStep = 0.02;             // and relative step, both below these
constexpr double kRoughProjection = 1e-3;  // of |f|: tolerance where only the length of a step matters
constexpr double kProgress = 2e-4;         // relative gain of the best distance that counts as progress
constexpr int kPatience = 18;              // steps without it after which a descent has ended
constexpr double kExpectation = 0.7;       // of the first-order distance back to the boundary

}  // namespace

void BoundaryDescent::begin(const float* x, const float* y, double margin, const float* gradient, bool adversarial,
                            std::size_t n, Box box, double confidence) {
  x_ = x;
  n_ = n;
  box_ = box;
  confidence_ = confidence;
  curvature_.clear();
  planes_ = 0;
  newest_ = kMaxPlanes - 1;
  const VectorOps<float>& ops = vector_ops<float>();
  std::memcpy(center_, y, n * sizeof(float));
  add_plane(y, margin, gradient);
  margin_ = margin;
  slope_ = std::sqrt(ops.dot(gradient, gradient, n));
  distance_ = std::sqrt(ops.squared_distance(y, x, n));
  adversarial_ = adversarial;
  best_distance_ = HUGE_VAL;
  if (adversarial) {
    best_distance_ = distance_;
    std::memcpy(best_, y, n * sizeof(float));
  }
  trust_ = HUGE_VAL;
  overshoot_ = kFirstOvershoot;
  smoothness_ = kFirstSmoothness;
  last_error_ = last_step_ = multiplier_ = 0.0;
  checking_ = false;
  steps_ = last_progress_ = 0;
}

// Which plane the next one replaces: the oldest of those that it repeats (s is still on the same linear piece), so that
// the pieces that meet at a corner are kept while the iterates go to and fro between them; else the oldest of all.
void BoundaryDescent::make_room(const float* point, double margin) {
  if (planes_ < kMaxPlanes) return;
  const float* rows[kMaxPlanes];
  for (int j = 0; j < kMaxPlanes; ++j) rows[j] = plane_[j];
  double here[kMaxPlanes];
  vector_ops<float>().multi_dot(rows, kMaxPlanes, point, n_, here);
  const int oldest = (newest_ + 1) % kMaxPlanes;
  for (int j = 0; j < kMaxPlanes; ++j) {
    const int slot = (oldest + j) % kMaxPlanes;
    if (std::fabs(here[slot] - offset_[slot] - margin) > kRepetition * slope_ * distance_) continue;
    float* const freed = plane_[slot];
    for (int at = slot; at != oldest;) {
      const int before = (at - 1 + kMaxPlanes) % kMaxPlanes;
      plane_[at] = plane_[before];
      offset_[at] = offset_[before];
      at = before;
    }
    plane_[oldest] = freed;
    return;
  }
}

void BoundaryDescent::add_plane(const float* point, double margin, const float* gradient) {
  newest_ = (newest_ + 1) % kMaxPlanes;
  if (planes_ < kMaxPlanes) ++planes_;
  std::memcpy(plane_[newest_], gradient, n_ * sizeof(float));
  offset_[newest_] = vector_ops<float>().dot(gradient, point, n_) - margin;
}

double BoundaryDescent::expected_distance() const {
  const double back = margin_ > 0.0 && slope_ > 0.0 ? kExpectation * margin_ / slope_ : 0.0;
  return std::fmin(best_distance_, distance_ + back);
}

// The newest plane last; offsets without aim.
int BoundaryDescent::gather_planes(const float** rows, double* offsets) const {
  int count = 0;
  if (kinked() && !checking_ && planes_ > 1) {
    const float* older[kMaxPlanes];
    double older_offset[kMaxPlanes];
    int olders = 0;
    for (int j = planes_ - 1; j >= 1; --j) {
      const int slot = (newest_ - j + kMaxPlanes) % kMaxPlanes;
      older[olders] = plane_[slot];
      older_offset[olders++] = offset_[slot];
    }
    const VectorOps<float>& ops = vector_ops<float>();
    double here[kMaxPlanes];
    double at_best[kMaxPlanes];
    ops.multi_dot(older, static_cast<std::size_t>(olders), center_, n_, here);
    if (best_distance_ < HUGE_VAL) ops.multi_dot(older, static_cast<std::size_t>(olders), best_, n_, at_best);
    for (int j = 0; j < olders; ++j) {
      if (here[j] - older_offset[j] > margin_ + kDisproof * slope_ * distance_) continue;
      if (best_distance_ < HUGE_VAL && at_best[j] - older_offset[j] > 1e-9) continue;
      rows[count] = older[j];
      offsets[count++] = older_offset[j];
    }
  }
  rows[count] = plane_[newest_];
  offsets[count++] = offset_[newest_];
  return count;
}

// direction_ := the quasi-Newton step on the coordinates that target_ leaves off the bounds. False when the model is
// degenerate there.
bool BoundaryDescent::quasi_newton(double multiplier, double aim) {
  const VectorOps<float>& ops = vector_ops<float>();
  const float* a = plane_[newest_];
  const double fixed = search_ops().split_free(x_, center_, a, target_, box_.lower, box_.upper, n_, free_f_, free_a_);

  constexpr int kRows = 2 * LagrangianCurvature::kPairs + 2;
  const int pairs = 2 * curvature_.count();
  const float* rows[kRows];
  curvature_.rows(rows);
  rows[pairs] = free_f_;
  rows[pairs + 1] = free_a_;
  double dot_f[kRows];
  double dot_a[kRows];
  ops.multi_dot(rows, static_cast<std::size_t>(pairs), free_f_, n_, dot_f);
  ops.multi_dot(rows, static_cast<std::size_t>(pairs + 2), free_a_, n_, dot_a);
  double of_f[kRows];
  double of_a[kRows];
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
  double coefficients[kRows];
  for (int j = 0; j < pairs; ++j) coefficients[j] = -(of_f[j] + mu * of_a[j]);
  coefficients[pairs] = -1.0;
  coefficients[pairs + 1] = -mu;
  ops.combine(coefficients, rows, static_cast<std::size_t>(pairs + 2), direction_, n_);
  return true;
}

bool BoundaryDescent::propose(float* out) {
  const VectorOps<float>& ops = vector_ops<float>();
  const SearchOps& search = search_ops();
  if (!(slope_ > 0.0) || steps_ - last_progress_ >= kPatience) return false;
  const double inside = 1.5 * confidence_;
  const double most_aim = overshoot_ * slope_ * std::fmax(distance_, 1e-3);
  for (;;) {
    // How far the model is likely to err on the next step, from its last error and the lengths of the two steps.
    double aim = inside + most_aim;
    const float* newest = plane_[newest_];
    HalfspaceProjection ahead;
    if (steps_ > 0) {
      const double offset = offset_[newest_] - inside;
      ahead =
          project_halfspaces(x_, &newest, &offset, 1, box_, n_, &multiplier_, target_, kRoughProjection * distance_);
      double ratio = last_step_ > 0.0 ? std::sqrt(ops.squared_distance(target_, center_, n_)) / last_step_ : 1.0;
      if (smoothness_ < 0.3) ratio *= std::fmin(ratio, 1.0);
      aim = inside + std::fmin(most_aim, kErrorShare * last_error_ * std::fmin(ratio, 2.0));
    }

    const float* rows[kMaxPlanes];
    double offsets[kMaxPlanes];
    int planes = gather_planes(rows, offsets);
    for (int j = 0; j < planes; ++j) offsets[j] -= aim;
    // Landing within a tenth of aim of the model's boundary is near enough; with one plane the multiplier moves with
    // aim in proportion, as long as no further coordinate meets the box.
    const double tolerance = std::fmax(kExactProjection, 0.1 * aim / slope_);
    if (ahead.curvature > 0.0) ahead.multipliers[0] += (aim - inside) / ahead.curvature;
    HalfspaceProjection model = project_halfspaces(x_, rows, offsets, planes, box_, n_,
                                                   planes == 1 ? ahead.multipliers : nullptr, target_, tolerance);
    if (!model.solved && planes > 1) {
      rows[0] = newest;
      offsets[0] = offsets[planes - 1];
      planes = 1;
      model = project_halfspaces(x_, rows, offsets, planes, box_, n_, ahead.multipliers, target_, tolerance);
    }
    multiplier_ = 0.0;
    for (int j = 0; j < planes; ++j) multiplier_ += model.multipliers[j];

    const bool curved = smooth() && quasi_newton(multiplier_, aim);
    MoveSums moved;
    if (curved) {
      moved = search.move(x_, center_, direction_, target_, 1.0, box_.lower, box_.upper, n_, out);
    } else {
      std::memcpy(out, target_, n_ * sizeof(float));
      moved = {ops.squared_distance(target_, center_, n_), model.squared_distance};
    }
    const double step = std::sqrt(moved.dd);

    if (steps_ > 0 && adversarial_ && distance_ <= best_distance_ && step < kStep * distance_ &&
        std::fabs(distance_ - std::sqrt(moved.ff)) < kGain * distance_) {
      if (planes == 1 || checking_) return false;
      checking_ = true;  // several planes may hold the iterate where one would let it go on
      continue;
    }
    if (checking_ && kinked()) trust_ = std::fmin(trust_, kCheckTrust * distance_);
    checking_ = false;
    if (step <= trust_) return true;

    const double share = trust_ / step;
    if (curved) {
      search.move(x_, center_, direction_, target_, share, box_.lower, box_.upper, n_, out);
      return true;
    }
    // A shorter step along the boundary: project a point between the iterate and x, so that the way back to the
    // boundary is made in full.
    search.between(center_, x_, share, n_, direction_);
    project_halfspaces(direction_, rows, offsets, planes, box_, n_, nullptr, target_, tolerance);
    const double shorter = std::sqrt(ops.squared_distance(target_, center_, n_));
    search.between(center_, target_, shorter > trust_ ? trust_ / shorter : 1.0, n_, out);
    return true;
  }
}

void BoundaryDescent::absorb(const float* point, double margin, const float* gradient, bool adversarial) {
  const StepSums sums = search_ops().compare_points(x_, center_, point, plane_[newest_], gradient, box_.lower,
                                                    box_.upper, n_, curvature_.next_move(), curvature_.next_change());
  const double step = std::sqrt(sums.dd);
  const double linear_error = std::fabs(margin - (margin_ + sums.a0d));
  const double trapezoid_error = std::fabs(margin - (margin_ + 0.5 * (sums.a0d + sums.a1d)));
  if (step > 1e-6 && linear_error > 1e-4) {
    const double ratio = std::fmin(1.0, trapezoid_error / linear_error);
    smoothness_ = kSmoothnessMemory * smoothness_ + (1.0 - kSmoothnessMemory) * ratio;
  }
  const double prediction = linear_error / (slope_ * step + 1e-12);
  if (prediction > kPoorPrediction) trust_ = std::fmin(trust_, kTrustShrink * step);
  if (prediction < kGoodPrediction) trust_ = std::fmax(trust_, kTrustGrowth * step);
  overshoot_ = adversarial ? std::fmax(kLeastOvershoot, kOvershootDecay * overshoot_)
                           : std::fmax(overshoot_, std::fmin(kMostOvershoot, kOvershootGrowth * overshoot_));
  last_error_ = linear_error;
  last_step_ = step;
  if (step > 1e-7) {
    curvature_.commit(n_);
  } else {
    curvature_.discard();
  }

  std::memcpy(center_, point, n_ * sizeof(float));
  margin_ = margin;
  slope_ = std::sqrt(sums.a1a1);
  distance_ = std::sqrt(sums.ff);
  adversarial_ = adversarial;
  if (kinked()) make_room(point, margin);
  add_plane(point, margin, gradient);
  ++steps_;
  if (best_distance_ == HUGE_VAL || (adversarial && distance_ < best_distance_ * (1.0 - kProgress))) {
    last_progress_ = steps_;
  }
  if (adversarial && distance_ < best_distance_) {
    best_distance_ = distance_;
    std::memcpy(best_, point, n_ * sizeof(float));
  }
}

void BoundaryDescent::explain(const float* y, double margin, float* gradient) {
  const VectorOps<float>& ops = vector_ops<float>();
  const float* rows[kMaxPlanes] = {gradient};
  double here[kMaxPlanes];
  int count = 1;
  for (int j = 0; j < planes_ && count < kMaxPlanes; ++j) {
    const int slot = (newest_ - j + kMaxPlanes) % kMaxPlanes;
    const double foretold = ops.dot(plane_[slot], y, n_) - offset_[slot];
    if (std::fabs(foretold - margin) <= kDisproof * slope_ * distance_) rows[count++] = plane_[slot];
  }
  if (count == 1) return;
  // Through y itself: at a minimum the projection of x on these halfspaces and the box is y.
  ops.multi_dot(rows, static_cast<std::size_t>(count), y, n_, here);
  const HalfspaceProjection model = project_halfspaces(x_, rows, here, count, box_, n_, nullptr, target_);
  double weights[kMaxPlanes];
  double sum = 0.0;
  for (int j = 0; j < count; ++j) sum += model.multipliers[j];
  if (!model.solved || !(sum > 0.0)) return;
  for (int j = 0; j < count; ++j) weights[j] = model.multipliers[j] / sum;
  ops.combine(weights, rows, static_cast<std::size_t>(count), direction_, n_);
  if (kkt_residual(x_, y, direction_, box_, n_) < kkt_residual(x_, y, gradient, box_, n_)) {
    std::memcpy(gradient, direction_, n_ * sizeof(float));
  }
}

void BoundaryDescent::retreat(const float* point) {
  trust_ = 0.5 * std::sqrt(vector_ops<float>().squared_distance(point, center_, n_));
  ++steps_;
}

}  // namespace blindspot
