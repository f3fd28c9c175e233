// From one start point to a nearest point of the decision boundary: min 1/2 |y - x|^2 subject to s(y) <= 0 and the box.
//
// Each step solves a model of the constraint at the iterate y, with f = y - x, a = grad s:
//
//   smooth   quasi-Newton step of sequential quadratic programming: H ~ the inverse Hessian of the Lagrangian
//            (lagrangian_curvature), on the coordinates that the box leaves free,
//              mu = max(0, (s + aim + a_N . d_N - a_F . H f_F) / (a_F . H a_F)),   d_F = -H (f_F + mu a_F)
//   kinked   projection of x on the halfspaces of the last few linearisations and the box (halfspace_box), those left
//            out that the iterate or the best point disproves; this is a bundle step
//
// Which of the two: for a smooth s the trapezoid s(y) + (a0 + a1) . d / 2 is a far better prediction of s(y + d) than
// the linear one; for a piecewise linear s it is not. The ratio of the two errors, smoothed over the steps, decides.
//
// aim is how far inside the boundary the model is asked to land: the error expected of the model's next
// prediction, so that a step ends adversarial and no distance is given away. The step is limited by a trust radius.
//
// Within a descent the constraint is scaled so that its gradient at the start has norm 1: s and a below are those of
// the scaled one, and the arithmetic is float32's (search_ops).
#pragma once

#include <cmath>
#include <cstddef>

#include "search/halfspace_box.hpp"
#include "search/lagrangian_curvature.hpp"
#include "search/lane.hpp"

namespace blindspot {

class BoundaryDescent {
 public:
  static constexpr int kScratchVectors = 3;  // [n] each, used within a call only

  // What the model answered at a point, unscaled.
  struct Answer {
    double margin;          // smoothed, s
    double slope;           // |grad s|
    const float* gradient;  // grad s, [n]
    bool adversarial;
  };

  template <typename Source>
  void carve(Source& source, std::size_t n) {
    curvature_.carve(source, n);
    for (int j = 0; j < kMaxPlanes; ++j) plane_[j] = source.template take<float>(n);
    spare_ = source.template take<float>(n);
    center_ = source.template take<float>(n);
    best_ = source.template take<float>(n);
  }
  void lend(float* const* scratch) {
    target_ = scratch[0];
    free_f_ = scratch[1];
    free_a_ = scratch[2];
  }

  // x: the image, kept by the caller; y: the start.
  // confidence: how far a point must lie across the boundary, in the unit of at_start.margin.
  void begin(const SearchOptions& options, double confidence, const float* x, const float* y, const Answer& at_start);

  // Writes the next point to evaluate. False at a minimum: the step and its gain are
  // negligible, or the last few steps brought no progress.
  bool propose(float* out);

  // Takes the answer at the point proposed.
  void absorb(const float* point, const Answer& answer);

  // The model answered NaN or infinity at the point proposed: the trust radius shrinks to reach less far.
  void retreat(const float* point);

  // At a corner of several pieces no single gradient shows that a point is a minimum; a convex combination of the pieces'
  // gradients does. gradient: that of one piece at y; replaced by the combination over the linearisations still held
  // that agree with margin at y, when it shows it better. Answers the KKT residual that remains.
  double explain(const float* y, double margin, float* gradient);

  // The distance from x to the boundary by the answer at x itself; infinite when it lies outside the box. Only between
  // descents: it scales the constraint anew.
  double first_order_distance(const SearchOptions& options, const float* x, const Answer& at_image);

  // After begin: the start lies among kinks.
  void expect_kinks();
  // From now on a step is to reach no further than `reach` times the best distance, and the next ones less by `decay`
  // each. Among kinks too many to be held, steps that adapt to the errors of prediction alone do not get short.
  void settle(double reach, double decay);

  // After begin: the first step reaches no further.
  void keep_within(double reach);

  // The point proposed is moved before it is evaluated: no progress is to be expected of it.
  void excuse() { last_progress_ = steps_; }

  int steps() const { return steps_; }
  bool crossed() const { return best_distance_ < HUGE_VAL; }
  // Has almost every step gone over a kink?
  bool rough() const;
  // The same of the first few steps, where fewer are known.
  bool kinks_prevail() const;
  // Has s been met again on a linear piece of it that is held? Then it has few enough for the model to be exact soon.
  bool repeating() const { return repeating_; }
  // Distance from x that this descent has reached, or may be expected to reach, to first order.
  double expected_distance() const;

 private:
  // A step of the free coordinates: sum coefficients[j] rows[j].
  struct Combination {
    static constexpr int kRows = 2 * LagrangianCurvature::kPairs + 2;
    float coefficients[kRows];
    const float* rows[kRows];
    std::size_t size = 0;
  };

  static constexpr double kKinked = 0.2;
  bool kinked() const { return smoothness_ >= kKinked; }
  bool smooth() const { return smoothness_ < 0.15 && curvature_.count() > 0; }
  void scale_to(const Answer& answer);
  int gather_planes(const float** rows, double* values, int* slots) const;
  bool quasi_newton(double multiplier, double aim, Combination& out);
  bool repeats(int slot) const;
  void foretell(bool best_moved, bool continued);
  void make_room();
  void add_plane(double value);

  const float* x_ = nullptr;
  std::size_t n_ = 0;
  Box box_;
  double scale_ = 1.0;  // of the constraint
  double confidence_ = 0.0;

  LagrangianCurvature curvature_;
  float* plane_[kMaxPlanes] = {};      // gradients a_j of the last linearisations, by slot
  double value_[kMaxPlanes] = {};      // of each at x: value_j + a_j . (y - x) <= 0
  double at_center_[kMaxPlanes] = {};  // what each foretells at the iterate,
  double at_best_[kMaxPlanes] = {};    // and at the best point; both of the older ones, when foretold_
  double held_[kMaxPlanes] = {};       // its multiplier in the last model solved
  bool foretold_ = false;
  float* spare_ = nullptr;  // where the next plane is written
  int newest_ = 0;
  int planes_ = 0;

  float* center_ = nullptr;  // the iterate
  float* best_ = nullptr;    // the nearest adversarial point of this descent
  float* target_ = nullptr;
  float* free_f_ = nullptr;
  float* free_a_ = nullptr;

  double margin_ = 0.0;    // s at the iterate
  double slope_ = 0.0;     // |a| at the iterate
  double distance_ = 0.0;  // |f| at the iterate
  double free_ff_ = 0.0;   // f . f, a . f and a . a at the iterate, over the coordinates that it has off the bounds
  double free_af_ = 0.0;
  double free_aa_ = 0.0;
  double best_distance_ = 0.0;
  bool adversarial_ = false;
  double trust_ = 0.0;
  double reach_ = 0.0;       // bound on the trust radius of a descent that settles,
  double decay_ = 1.0;       // and what it is multiplied with at each step
  double overshoot_ = 0.0;   // bound on aim, relative to |a| |f|
  double smoothness_ = 0.0;  // trapezoid error over linear error, 0 smooth .. 1 kinked
  double last_error_ = 0.0;  // of the last linear prediction of s
  double last_step_ = 0.0;
  bool checking_ = false;  // a claim of convergence by several planes is being checked with one
  bool repeating_ = false;
  int steps_ = 0;
  int smooth_steps_ = 0;
  int last_progress_ = 0;
};

}  // namespace blindspot
