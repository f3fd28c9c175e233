#include "search/boundary_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace blindspot {
namespace {

// At the image the unit of the logits is not known yet: the hard margin, of the smallest ones, too.
constexpr double kAtImage = 1e-9;
constexpr double kTemperatureShare = 0.2;  // of the hard margin left: the temperature on the way to a target

}  // namespace

void BoundarySearch::begin(const SearchOptions& options, double id, Goal goal) {
  open(options, id, goal);
  with_walls_ = &options;
  std::uint64_t id_bits;  // any double may be an id
  std::memcpy(&id_bits, &id, sizeof id_bits);
  perturbation_.begin(options.seed * 0x2545f4914f6cdd1du + id_bits);
  screening_.begin(options, x_);
  stage_ = Stage::kClean;
  rival_ = HUGE_VAL;
  turn_ = Turn::kFirst;
  next_candidate_ = restarts_ = first_success_ = 0;
  bisected_distance_ = ended_distance_ = HUGE_VAL;
  begin_effort(BS_EFFORT_FAST);
  ask_goal(goal.targeted() ? kAtImage : kAwayFromLabel);
}

// Every search begins as a fast one and, as far as it may, goes on as a thorough one from what that has found: more effort or a
// larger limit never ends further out.
void BoundarySearch::begin_effort(bs_effort effort) {
  effort_ = effort;
  starts_before_ = starts_;
  nearest_end_ = HUGE_VAL;
  const bool last = effort == BS_EFFORT_EXHAUSTIVE || options_->effort == BS_EFFORT_FAST;
  budget_ = last ? most_evaluations() : std::min(most_evaluations(), own_budget(effort, goal_));
  span_ = schedule().steps;
  ending_ = false;
}

int BoundarySearch::most_evaluations() const {
  return options_->max_evaluations > 0 ? options_->max_evaluations : own_budget(options_->effort, goal_);
}

// False when the effort that has ended was the last one, or nothing is left for another.
bool BoundarySearch::next_effort() {
  if (options_->effort == BS_EFFORT_FAST || evaluations_ >= most_evaluations()) return false;
  if (effort_ == BS_EFFORT_FAST) {
    begin_effort(BS_EFFORT_THOROUGH);
    next_candidate_ = restarts_ = 0;
    turn_ = Turn::kFirst;
    if (!goal_.targeted()) {
      screening_.forget_probes();
      ask_next_screen();
      return true;
    }
  } else {
    if (effort_ == BS_EFFORT_EXHAUSTIVE || most_evaluations() == budget_) return false;
    begin_effort(BS_EFFORT_EXHAUSTIVE);  // more restarts
  }
  if (next_start()) advance();
  return true;
}

// The class that a step from the best point leads towards.
int BoundarySearch::goal_class() const { return goal_.targeted() ? goal_.target : best_class_; }

void BoundarySearch::ask(int towards, Stage stage) {
  question_ = {towards, 1.0, kTowardsClass};
  stage_ = stage;
}

void BoundarySearch::ask_best(Stage stage) {
  std::memcpy(point_, best_, options_->n * sizeof(float));
  ask(goal_class(), stage);
}

void BoundarySearch::tell(const float* logits, const float* gradient) {
  best_before_step_ = best_distance_;
  const bool first = !succeeded();
  const bool finite = judge(logits, gradient);
  if (delivering()) return go_on_delivering(finite, logits, gradient);
  if (first) first_success_ = evaluations_;
  const double margin = finite ? smoothed_margin(logits, options_->classes, question_) : 0.0;
  switch (stage_) {
    case Stage::kClean: return after_clean(finite, logits, gradient);
    case Stage::kScreen:
      if (finite) screening_.absorb(margin, slope_, gradient);
      return ask_next_screen();
    case Stage::kDescend: return after_descent_step(finite, margin, gradient);
    case Stage::kGiven:
      if (adversarial_) return bisect_segment();
      break;
    case Stage::kSegment: return after_segment(gradient, finite ? margin : HUGE_VAL);
    case Stage::kCrossing:
      if (!finite) break;
      begin_descent({Start::Kind::kCrossing, best_, {margin, slope_, gradient, true}});
      return advance();
    case Stage::kProbe:
      if (finite) screening_.absorb_probe(margin, slope_, gradient, point_);
      break;
    case Stage::kNoise:
      if (!finite) break;
      begin_descent({Start::Kind::kNoise, point_, {margin, slope_, gradient, adversarial_}});
      return advance();
    case Stage::kProof:
      if (!finite) return close(outcome_);
      std::memcpy(best_gradient_, gradient, options_->n * sizeof(float));
      best_smoothed_ = false;
      return finish(outcome_);
  }
  if (next_start()) advance();
}

void BoundarySearch::after_clean(bool finite, const float* logits, const float* gradient) {
  if (adversarial_) return options_ == &off_walls_ ? bisect_segment() : close(BS_LANE_ALREADY);
  if (!finite) {
    if (!finite_logits(logits, options_->classes) || !keep_off_walls()) close(BS_LANE_NOT_FINITE);
    return;
  }
  screening_.begin(*options_, x_);
  if (goal_.targeted()) {
    const double margin = smoothed_margin(logits, options_->classes, question_);
    screening_.add_target({.one_hot = goal_.target, .margin = margin, .slope = slope_}, gradient);
    if (next_start()) advance();
    return;
  }
  screening_.order_by_logits(logits, goal_.label);
  ask_next_screen();
}

void BoundarySearch::ask_next_screen() {
  const Schedule& schedule = this->schedule();
  const int next = over_budget() ? -1 : screening_.next_question(schedule);
  if (next >= 0) return ask(next, Stage::kScreen);
  screening_.rank(schedule.starts);
  if (next_start()) advance();
}

void BoundarySearch::after_descent_step(bool finite, double margin, const float* gradient) {
  if (finite && too_deep()) return bisect_segment();
  if (finite) {
    descent_.absorb(point_, {margin, slope_, gradient, adversarial_});
  } else {
    descent_.retreat(point_);
  }
  advance();
}

// Goes on with the descent, or with the next start when it has ended.
void BoundarySearch::advance() {
  for (;;) {
    if (over_budget()) return finish(BS_LANE_BUDGET);
    const Schedule& schedule = this->schedule();
    const bool left_to_restarts = schedule.rough_slice > 0 && restarts_ == 0 &&
                                  descent_.steps() >= schedule.rough_slice && descent_.crossed() && descent_.rough();
    if (descent_.steps() < span_ && !left_to_restarts) {
      if (slice_over()) {
        turn_ = Turn::kSecond;
      } else if (!falls_behind()) {
        if (descent_.propose(point_)) return ask_step();
        // It has ended by itself: another effort's schedule would lead it the same way.
        if (from_image_ && !options_->smoothable && !perturbation_.rugged()) {
          screening_.settle(next_candidate_ - 1, descent_.best_distance());
        }
      }
    }
    if (!next_start()) return;
  }
}

void BoundarySearch::ask_step() {
  perturb();
  question_.smoothing = smoothing();
  if (goal_.targeted()) question_.temperature = descent_.crossed() ? kTowardsClass : temperature(margin_);
  stage_ = Stage::kDescend;
}

// Has the descent had its time slice? While the class of the first one is not settled, steps are better spent on the next.
bool BoundarySearch::slice_over() const {
  const int slice = schedule().slice;
  if (slice == 0 || descent_.steps() < slice || !descent_.crossed()) return false;
  return turn_ == Turn::kSecond || (turn_ == Turn::kFirst && next_candidate_ == 1);
}

bool BoundarySearch::falls_behind() const {
  const Schedule& schedule = this->schedule();
  const int steps = descent_.steps();
  // What a smaller effort has found gives up no descent from the image: more steps may lead nearer.
  const double rival = restarts_ == 0 ? std::fmax(rival_, nearest_end_) : rival_;
  if (!(rival < HUGE_VAL) || steps < schedule.trial || perturbed()) return false;
  const double lead = schedule.lead + schedule.early_lead / (steps - schedule.trial + 1);
  return descent_.expected_distance() > rival * (1.0 + lead);
}

// Far from the target the largest of the other logits alone leads to where two of them are equal and the target's has no say any
// more: the others are averaged, over so much of the hard margin that is left.
double BoundarySearch::temperature(double margin) { return std::fmax(kTowardsClass, kTemperatureShare * margin); }

double BoundarySearch::smoothing() const {
  if (!options_->smoothable || turn_ == Turn::kHandedOver || restarts_ > 0 || evaluations_ + 2 > limit()) return 0.0;
  const Schedule& schedule = this->schedule();
  double smoothing = schedule.smoothing;
  for (int j = 0; j < descent_.steps(); ++j) smoothing *= schedule.smoothing_decay;
  return smoothing;
}

// Is this step of the descent perturbed?
bool BoundarySearch::perturbed() const {
  if (restarts_ > 0) return succeeded() && perturbation_.of_restart(descent_, span_);
  return turn_ != Turn::kHandedOver && perturbation_.of_first(descent_, schedule());
}

// Moves the point proposed by noise that decays with the steps; what was perturbed before and is no more settles.
void BoundarySearch::perturb() {
  const Schedule& schedule = this->schedule();
  const bool restarted = restarts_ > 0;
  if (!restarted && turn_ != Turn::kHandedOver && goal_.targeted() && !options_->smoothable) {
    perturbation_.watch(descent_);
  }
  const bool now = perturbed();
  if (!now && perturbed_step_) descent_.bound_trust(schedule.trust_bound, schedule.trust_bound_decay);
  perturbed_step_ = now;
  if (!now) return;
  const double norm = restarted ? Perturbation::norm_of_restart(descent_, best_distance_)
                                : Perturbation::norm_of_first(descent_, schedule);
  perturbation_.add(point_, norm, *options_, point_);
  descent_.allow_null_step();
}

}  // namespace blindspot
