// From one start point to a nearest point of the decision boundary: min 1/2 |y - x|^2 subject to s(y) <= 0 and the box.
//
// Each step solves a model of the constraint at the iterate y, with f = y - x, a = grad s:
//
//   smooth   quasi-Newton step of sequential quadratic programming: H ~ the inverse Hessian of the Lagrangian
//            (lagrangian_curvature), on the coordinates that the box leaves free,
//              mu = max(0, (s + aim + a_N . d_N - a_F . H f_F) / (a_F . H a_F)),   d_F = -H (f_F + mu a_F)
//   kinked   projection of x on the cuts of the last few linearisations (bundle) and the box
//
// Which of the two: for a smooth s the trapezoid s(y) + (a0 + a1) . d / 2 is a far better prediction of s(y + d) than
// the linear one; for a piecewise linear s it is not. The ratio of the two errors, smoothed over the steps, decides.
//
// aim is how far inside the boundary the model is asked to land: the error expected of the model's next
// prediction, so that a step ends adversarial and no distance is given away. The step is limited by a trust radius.
//
// Projections, distances and the proof are the metric's; trust radius and curvature are Euclidean whatever the norm.
//
// Within a descent the constraint is scaled so that its gradient at the start has norm 1: s and a below are those of
// the scaled one, and the arithmetic is float32's (search_ops).
#pragma once

#include <cmath>
#include <cstddef>

#include "linalg/search_ops.hpp"
#include "search/bundle.hpp"
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
    bundle_.carve(source, n);
    center_ = source.template take<float>(n);
    best_ = source.template take<float>(n);
  }
  void use_scratch(float* const* scratch) {
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

  // The KKT residual at y, whose margin and gradient these are; gradient becomes the one that shows it best
  // (aggregate_gradient).
  double explain(const float* y, double margin, float* gradient);

  // After begin: the start lies among kinks.
  void expect_kinks();
  // From now on the trust radius is at most `reach` times the best distance, and less by `decay` at each step. Among kinks too
  // many to be held, steps that adapt to the errors of prediction alone do not get short.
  void bound_trust(double reach, double decay);

  // After begin: the first step reaches no further.
  void keep_within(double reach);

  // The point proposed is perturbed before it is evaluated: that it brings no progress is no sign of an end.
  void allow_null_step() { last_progress_ = steps_; }

  int steps() const { return steps_; }
  bool crossed() const { return best_distance_ < HUGE_VAL; }
  // Is the iterate on a plateau, no step having crossed?
  bool flat() const;
  // Has almost every step gone over a kink?
  bool rough() const;
  // The same of the first few steps, where fewer are known.
  bool kinks_prevail() const;
  // Has a cut recurred (Bundle)?
  bool recurring() const { return bundle_.recurring(); }
  // The distance from x of its nearest adversarial point.
  double best_distance() const { return best_distance_; }
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

  // The model's step from the iterate.
  struct ModelStep {
    CutModel cuts;  // with aim
    double multipliers[kMaxPlanes];
    double tolerance;  // of the projection
    double length;     // of the step
    double reached;    // |f| where it ends
    bool curved;       // a quasi-Newton step: of these coordinates
    Combination of;
    const float* landing;  // where it ends, when it is not curved
  };

  bool kinked() const;
  bool smooth() const;
  Bundle::Iterate iterate(bool best_moved) const;
  double aim(double ahead) const;
  void solve_model(float* out, ModelStep& step);
  bool quasi_newton(double multiplier, double aim, Combination& out);
  MoveSums move(const Combination& of, double share, float* out) const;
  bool claims_minimum(const ModelStep& step) const;
  void shorten(const ModelStep& step, float* out);
  bool onto_plateau(double margin, const Answer& answer) const;
  void shorten_next(const float* point, double share);
  void adapt_trust(double linear_error, double step);

  const float* x_ = nullptr;
  std::size_t n_ = 0;
  const Metric* metric_ = nullptr;
  Box box_;
  double scale_ = 1.0;  // of the constraint
  double confidence_ = 0.0;

  LagrangianCurvature curvature_;
  Bundle bundle_;

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
  double steepest_ = 0.0;      // largest |a| at an iterate so far
  double least_margin_ = 0.0;  // at an iterate, before the first crossing
  double first_step_ = 0.0;    // its length
  double best_distance_ = 0.0;
  bool adversarial_ = false;
  double trust_ = 0.0;
  double trust_bound_ = 0.0;        // on the trust radius,
  double trust_bound_decay_ = 1.0;  // and what it is multiplied with at each step
  double overshoot_ = 0.0;          // bound on aim, relative to |a| |f|
  double smoothness_ = 0.0;         // trapezoid error over linear error, 0 smooth .. 1 kinked
  double last_error_ = 0.0;         // of the last linear prediction of s
  double last_step_ = 0.0;
  bool checking_ = false;  // a claim of convergence by several cuts is being checked with one
  int steps_ = 0;
  int smooth_steps_ = 0;
  int last_progress_ = 0;
};

}  // namespace blindspot
