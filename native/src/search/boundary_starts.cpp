// Where the descents of the boundary search begin, one after the other.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "search/boundary_search.hpp"

namespace blindspot {
namespace {

constexpr double kFirstReach = 0.3;   // of the distance, for the first step of a descent from a crossing
constexpr double kNoiseReach = 0.02;  // of the box, in every pixel, for the first restart of a search without success
constexpr double kOffWalls = 1e-3;    // of the box
constexpr int kGivenReserve = 10;     // evaluations that a caller's limit leaves for the way from a given point

}  // namespace

// Sets up the next start. True when a descent stands ready; false when a point is asked for first, or all is done.
bool BoundarySearch::next_start() {
  explain_best();
  if (starts_ > 0 && restarts_ == 0) perturbation_.learn(descent_);
  if (starts_ > starts_before_) nearest_end_ = std::fmin(nearest_end_, descent_.best_distance());
  rival_ = best_distance_;
  perturbed_step_ = false;
  for (; next_candidate_ < screening_.count(); ++next_candidate_) {
    const double end = screening_.candidate(next_candidate_).end;
    if (!(end < HUGE_VAL)) break;
    nearest_end_ = std::fmin(nearest_end_, end);
  }
  const bool another = next_candidate_ < screening_.count() && screening_.candidate(next_candidate_).slope > 0.0;
  if (turn_ == Turn::kSecond && (next_candidate_ > 1 || !another)) {
    hand_over();
    return true;
  }
  if (another) {
    begin_from_image(screening_.candidate(next_candidate_++));
    return true;
  }
  // Where smoothed gradients end, exact ones lead on.
  if (best_smoothed_ && turn_ != Turn::kHandedOver && !over_budget()) {
    hand_over();
    return true;
  }
  if (!succeeded() && at_wits_end() && !over_budget() && ask_given()) return false;
  if (unproven() && !over_budget()) {
    bisected_distance_ = best_distance_;
    bisect_segment();
    return false;
  }
  if (ask_probes()) return false;
  if ((succeeded() && !may_restart()) || over_budget()) {
    finish(over_budget() ? BS_LANE_BUDGET : BS_LANE_CONVERGED);
    return false;
  }
  ask_noise();
  return false;
}

void BoundarySearch::begin_descent(const Start& start) {
  descent_.begin(*options_, confidence_, x_, start.y, start.at_y);
  from_image_ = start.kind == Start::Kind::kImage;
  switch (start.kind) {
    case Start::Kind::kImage: ++starts_; return;
    case Start::Kind::kNoise: return;  // counted when it was asked for
    case Start::Kind::kHandover: {
      rival_ = HUGE_VAL;
      descent_.expect_kinks();
      const Schedule& schedule = this->schedule();
      return descent_.bound_trust(schedule.trust_bound, schedule.trust_bound_decay);
    }
    case Start::Kind::kCrossing:
      ++starts_;
      rival_ = HUGE_VAL;
      return descent_.keep_within(kFirstReach * best_distance_);
  }
}

void BoundarySearch::begin_from_image(const ClassScreening::Candidate& candidate) {
  ask(candidate.one_hot, Stage::kDescend);
  begin_descent({Start::Kind::kImage, x_, {candidate.margin, candidate.slope, screening_.gradient(candidate), false}});
}

// From the best point, with nothing but what is known there: what both descents have seen further out only misleads.
void BoundarySearch::hand_over() {
  turn_ = Turn::kHandedOver;
  ask(goal_class(), Stage::kDescend);
  const double slope = options_->metric->dual_length(best_gradient_, options_->n);
  begin_descent({Start::Kind::kHandover, best_, {best_margin_, slope, best_gradient_, true}});
}

// Where the first order at the image has failed, all classes are probed, then descents begin from the probes. False when that is
// not called for, or done.
bool BoundarySearch::ask_probes() {
  if (!succeeded() || goal_.targeted() || restarts_ > 0 || over_budget()) return false;
  if (!screening_.failed(best_class_, best_distance_)) return false;
  const int probed = screening_.next_probe(best_class_, best_distance_, point_);
  if (probed >= 0) {
    ask(probed, Stage::kProbe);
    return true;
  }
  const int next = screening_.next_probe_start(best_distance_, point_);
  if (next < 0) return false;
  ++starts_;
  ask(next, Stage::kNoise);
  return true;
}

// Is it time for the point that the caller knows? Untargeted, when nothing was found for what a search usually takes, or the caller's
// limit leaves just enough to go there; towards a target, as soon as a descent has ended on a plateau.
bool BoundarySearch::at_wits_end() const {
  const int most = options_->max_evaluations;
  return (goal_.targeted() && descent_.flat()) || evaluations_ >= budget_ ||
         (most > 0 && evaluations_ + kGivenReserve >= most);
}

// Where no descent has crossed, from the point that the caller knows. False when there is none, or it has had its turn.
bool BoundarySearch::ask_given() {
  if (!has_given_point_) return false;
  has_given_point_ = false;
  std::memcpy(point_, given_point_, options_->n * sizeof(float));
  ask_goal(goal_.targeted() ? kTowardsClass : kAwayFromLabel);
  stage_ = Stage::kGiven;
  return true;
}

// A square root has no derivative at 0, nor has a logarithm: where the gradient at the image is not finite, the search keeps
// off the walls of the box. False when it does already, or no pixel lies there.
bool BoundarySearch::keep_off_walls() {
  if (options_ == &off_walls_) return false;
  off_walls_ = *options_;
  Box& box = off_walls_.box;
  const float off = static_cast<float>(kOffWalls) * (box.upper - box.lower);
  box.lower += off;
  box.upper -= off;
  bool moved = false;
  for (std::size_t i = 0; i < off_walls_.n; ++i) {
    point_[i] = std::min(std::max(x_[i], box.lower), box.upper);
    moved = moved || point_[i] != x_[i];
  }
  if (moved) options_ = &off_walls_;
  return moved;
}

// The exhaustive effort is for restarts, and so is what is left of any while the best point is no minimum.
bool BoundarySearch::may_restart() const {
  if (goal_.targeted() && !options_->smoothable && !perturbation_.rough() && stalled()) return true;
  if (effort_ == BS_EFFORT_FAST) return false;
  return effort_ == BS_EFFORT_EXHAUSTIVE || restarts_ < schedule().restarts || stalled();
}

// Asks for a point near the best one, half its distance away, or, while there is none, near the image, further out each
// time. Restarts from noise around the image fall back into the same minimum far more often than those around the best.
void BoundarySearch::ask_noise() {
  if (perturbation_.rough() && succeeded()) {
    // Of the effort's own budget, whatever the limit is: a larger one only goes on.
    const int left = effort_ == BS_EFFORT_EXHAUSTIVE ? 0 : own_budget(effort_, goal_) - evaluations_;
    span_ = Perturbation::span_of_restarts(left);
  }
  ++restarts_;
  ++starts_;
  const RestartPlace place = restart_place(restarts_, schedule().restarts, screening_.count(),
                                           goal_.targeted() && succeeded() && !options_->smoothable && stalled());
  const bool around_image = !succeeded() || place.around_image;
  const double norm = succeeded() ? place.reach * best_distance_
                                  : kNoiseReach * options_->metric->diagonal(options_->box, options_->n) * restarts_;
  perturbation_.add(around_image ? x_ : best_, norm, *options_, point_);
  const bool other = around_image && !goal_.targeted();
  ask(other ? screening_.candidate(place.towards).one_hot : goal_class(), Stage::kNoise);
  if (goal_.targeted()) question_.temperature = temperature(clean_margin_);
}

}  // namespace blindspot
