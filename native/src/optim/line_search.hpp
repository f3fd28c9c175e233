// Moré-Thuente line search as a step machine: finds a step a with
//
//   phi(a) <= phi(0) + ftol a phi'(0)     sufficient decrease
//   |phi'(a)| <= gtol |phi'(0)|           curvature
//
// for phi(a) = f(x + a d), keeping an interval [stx, sty] that holds such a step once one is bracketed.
// Each new trial is the safeguarded minimiser of a cubic or parabola through the values and slopes known.
// Until a trial has phi(a) <= phi(0) + ftol a phi'(0) and phi'(a) >= 0, the interval is updated on the
// auxiliary function psi(a) = phi(a) - phi(0) - ftol a phi'(0) ("stage one").
//
// A trial whose value or slope is not finite is taken as outside the domain: the step limit moves under
// it, and the search goes back towards the best step so far.
//
// Source: J. J. Moré, D. J. Thuente, Line search algorithms with guaranteed sufficient decrease, ACM
// Trans. Math. Softw. 20 (1994); the constants are those of L-BFGS-B 3.0.
#pragma once

namespace blindspot {

class MoreThuente {
 public:
  static constexpr double kDecrease = 1e-3;      // ftol
  static constexpr double kCurvature = 0.9;      // gtol
  static constexpr double kRelativeWidth = 0.1;  // xtol: end when the interval is this narrow

  enum class Answer {
    kEvaluate,   // evaluate phi at step()
    kConverged,  // both conditions hold at the trial
    kStopped     // no further progress: the interval is too narrow, or a limit was met
  };

  // slope = phi'(0) < 0; 0 < first <= longest.
  void start(double value, double slope, double first, double longest);

  // The longest step may be set after start, before the first advance.
  void set_longest(double longest);

  double step() const { return step_; }
  double slope_at_start() const { return start_slope_; }

  // Do both conditions hold at the trial? Needs no longest step.
  bool accepts(double value, double slope) const;

  Answer advance(double value, double slope);

 private:
  struct Point {
    double step, value, slope;
  };

  Answer retreat();
  void propose(Point& best, Point& other, const Point& trial);

  double start_value_ = 0;
  double start_slope_ = 0;
  double longest_ = 0;
  double step_ = 0;
  bool bracketed_ = false;
  bool stage_one_ = true;
  Point best_ = {};   // stx
  Point other_ = {};  // sty
  double low_ = 0;    // stmin and stmax: where the next trial may lie
  double high_ = 0;
  double width_ = 0;
  double width_before_ = 0;
};

}  // namespace blindspot
