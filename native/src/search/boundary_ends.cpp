// How the boundary search ends: what lies too deep is bisected, what is claimed is proved, and what it may spend.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "linalg/search_ops.hpp"
#include "search/boundary_search.hpp"

namespace blindspot {
namespace {

constexpr double kDeep = 1.0;           // of the image's margin: a point further across the boundary lies too deep
constexpr double kSegmentWidth = 0.02;  // of the segment, to which its bisection goes
constexpr double kInside = 0.02;        // of the image's margin: what ends further across the boundary is bisected,
constexpr int kBisection = 5;           // for which so many evaluations are kept
constexpr double kUnproven = 0.3;       // KKT residual of what is no minimum by far

constexpr int kRescue = 4;        // budgets spent on an image before it counts as failed,
constexpr int kAfterRescue = 20;  // and evaluations from its first success on, to come nearer

}  // namespace

// Does the point just judged, now the best, lie so far across the boundary that the linearisation which led there said
// nothing of it?
bool BoundarySearch::too_deep() const {
  return adversarial_ && best_distance_ < best_before_step_ && -margin_ > kDeep * clean_margin_ && !over_budget();
}

// Is the best point no minimum, by far (among kinks one gradient does not tell), with a boundary yet to be looked for on its
// segment to the image?
bool BoundarySearch::unproven() const {
  if (!succeeded() || best_smoothed_ || perturbation_.rough()) return false;
  return best_distance_ < bisected_distance_ * (1.0 - kSegmentWidth) && residual() > kUnproven;
}

// Does the best point lie further across the boundary than a search that came to an end would leave it?
bool BoundarySearch::lies_inside() const {
  return succeeded() && -best_margin_ > kInside * clean_margin_ + 2.0 * confidence_;
}

// Bisects the segment from the image to the best point for the boundary, whichever class is across it.
void BoundarySearch::bisect_segment() {
  bisection_.begin();
  ask_segment();
}

void BoundarySearch::ask_segment() {
  search_ops().between(x_, best_, static_cast<float>(bisection_.share()), options_->box.lower, options_->box.upper,
                       options_->n, point_);
  asked_class_ = goal_class();
  ask(asked_class_, Stage::kSegment);
}

void BoundarySearch::after_segment(const float* gradient, double margin) {
  bisection_.absorb(adversarial_);
  const bool wide = bisection_.wider_than(kSegmentWidth);
  if (ending_) {
    const bool over = evaluations_ + (best_smoothed_ ? 1 : 0) >= limit();
    if (!over && lies_inside() && wide) return ask_segment();
    return finish(outcome_);
  }
  if (over_budget()) return finish(BS_LANE_BUDGET);
  const bool near = adversarial_ && -margin_ <= kDeep * clean_margin_;
  if (!near && wide) return ask_segment();
  if (!(adversarial_ && best_class_ == asked_class_)) return ask_best(Stage::kCrossing);
  begin_descent({Start::Kind::kCrossing, best_, {margin, slope_, gradient, true}});
  advance();
}

// An image without any success may take more, up to the limit that the caller has set.
int BoundarySearch::limit() const {
  const int cap = options_->max_evaluations > 0 ? options_->max_evaluations : kRescue * budget_;
  if (!succeeded()) return std::min(cap, kRescue * budget_);
  if (first_success_ <= budget_) return budget_;
  return std::min(cap, std::min(kRescue * budget_, first_success_ + kAfterRescue));
}

// What is left has to do for the proof, and for the bisection of what lies deep across the boundary.
bool BoundarySearch::over_budget() const {
  const int reserve = (best_smoothed_ ? 1 : 0) + (lies_inside() ? kBisection : 0);
  return evaluations_ + reserve >= limit();
}

// The descent that has just ended knows more of the constraint at the best point than the one gradient kept there.
void BoundarySearch::explain_best() {
  if (!(starts_ > 0 && best_distance_ < rival_) || best_smoothed_) return;
  best_residual_ = descent_.explain(best_, best_margin_, best_gradient_);
}

void BoundarySearch::finish(bs_lane_status status) {
  explain_best();
  if (!succeeded()) {
    if (!next_effort()) close(BS_LANE_FAILED);
    return;
  }
  if (lies_inside() && best_distance_ < ended_distance_ && evaluations_ + (best_smoothed_ ? 1 : 0) < limit()) {
    ended_distance_ = best_distance_;
    outcome_ = status;
    ending_ = true;
    return bisect_segment();
  }
  if (best_smoothed_) {       // proves nothing: the best point is evaluated once more
    rival_ = best_distance_;  // the linearisations held are smoothed, too: they explain nothing
    outcome_ = status;
    return ask_best(Stage::kProof);
  }
  if (next_effort()) return;
  options_ = with_walls_;  // a lattice has levels on the walls, too
  deliver(status, goal_.targeted() ? kTowardsClass : kAwayFromLabel);
}

}  // namespace blindspot
