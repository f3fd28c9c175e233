#include "search/boundary_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "linalg/search_ops.hpp"
#include "linalg/vector_ops.hpp"

namespace blindspot {
namespace {

// The temperature of the margin towards a class: small enough that the constraint is the hard one to about 0.002 log K.
constexpr double kTowardsClass = 0.002;
// At the image the unit of the logits is not known yet: the hard margin, of the smallest ones, too.
constexpr double kAtImage = 1e-9;
// Away from the label the margin is the hard one.
constexpr double kAwayFromLabel = 1e-3;

struct Effort {
  int budget;  // evaluations
  // Untargeted: classes, at most, whose gradient at the image is asked for; while their boundary may be the nearest, with
  // a slope of up to so many times the largest one seen; and descents from the image.
  int screened = 1;
  double steepest = 0.0;
  int starts = 1;
  int steps;         // of one descent
  int restarts = 0;  // from noise around the best point
  // Steps after which the first descent, once it has crossed, gives its turn to the second one, and that one to a fresh
  // one from the best point of both; with one class alone, that one follows at once. 0: it goes on to its end.
  int sprint = 0;
  // Steps after which a descent from the image that has crossed, over kinks almost everywhere, is left: restarts that are
  // shaken bring more. 0: it goes on to its end.
  int glance = 0;
  // A descent that has made `trial` steps is given up when it expects to end further behind the best than by `lead`,
  // plus `early_lead` over the steps since.
  int trial;
  double lead;
  double early_lead;
  // A descent from the image begins on a smoothed network, which has fewer minima to fall into: the smoothing of its first
  // gradient, and what it is multiplied with at each step.
  double smoothing;
  double smoothing_decay;
  // A first targeted descent among many kinks is shaken to this step, by noise that decays by so much a step. The
  // slower, the lower the minimum; soon enough to settle within the steps left.
  int shaken = 0;
  double shake_decay = 0.0;
  // A descent that was shaken, or goes on from the best point, settles: no step of it reaches further than so much of the
  // best distance, and from step to step less by so much.
  double reach;
  double reach_decay;
};

constexpr Effort kFast = {.budget = 44,
                          .screened = 7,
                          .steepest = 2.0,
                          .starts = 4,
                          .steps = 36,
                          .sprint = 14,
                          .trial = 3,
                          .lead = 0.02,
                          .early_lead = 0.6,
                          .smoothing = 0.3,
                          .smoothing_decay = 0.8,
                          .reach = 0.12,
                          .reach_decay = 0.75};
constexpr Effort kFastTargeted = {.budget = 50,
                                  .steps = 50,
                                  .sprint = 33,
                                  .trial = 3,
                                  .lead = 0.02,
                                  .early_lead = 0.6,
                                  .smoothing = 0.3,
                                  .smoothing_decay = 0.92,
                                  .shaken = 28,
                                  .shake_decay = 0.85,
                                  .reach = 0.12,
                                  .reach_decay = 0.75};
constexpr Effort kThorough = {.budget = 400,
                              .screened = 9,
                              .steepest = 2.2,
                              .starts = 9,
                              .steps = 60,
                              .restarts = 11,
                              .glance = 16,
                              .trial = 8,
                              .lead = 0.1,
                              .early_lead = 0.5,
                              .smoothing = 0.4,
                              .smoothing_decay = 0.85,
                              .reach = 0.05,
                              .reach_decay = 0.9};
constexpr Effort kThoroughTargeted = {.budget = 300,
                                      .steps = 80,
                                      .restarts = 8,
                                      .trial = 8,
                                      .lead = 0.1,
                                      .early_lead = 0.5,
                                      .smoothing = 0.4,
                                      .smoothing_decay = 0.95,
                                      .shaken = 60,
                                      .shake_decay = 0.95,
                                      .reach = 0.05,
                                      .reach_decay = 0.9};

constexpr double kDeep = 1.0;           // of the image's margin: a point further across the boundary lies too deep
constexpr double kSegmentWidth = 0.02;  // of the segment, to which its bisection goes
constexpr double kInside = 0.02;        // of the image's margin: what ends further across the boundary is bisected,
constexpr int kBisection = 5;           // for which so many evaluations are kept
constexpr double kOffWalls = 1e-3;      // of the box
constexpr double kUnproven = 0.3;       // KKT residual
constexpr double kFirstReach = 0.3;     // of the distance, for the first step of a descent from there

// Where the boundary that was found lies so many times nearer than the gradient at the image said, or further, the gradients there
// tell nothing of the other classes' distances either.
constexpr double kRankingError = 2.0;
constexpr int kProbeSteps = 4;         // tries to make a probe so long in spite of the walls,
constexpr double kProbeLength = 0.95;  // as a share of the best distance

constexpr int kExhaustive = 3000;  // evaluations of that effort
// Where restarts begin: noise of so much of the best distance, around the best point or the image.
struct LaterStart {
  double reach;
  bool from_image;
};
constexpr LaterStart kNearBest = {0.5, false};
// Beyond those of `thorough`, in turn; those around the image go towards its nearest classes, one after the other.
constexpr LaterStart kLaterStarts[] = {{1.0, false}, {0.7, true}, {0.25, false}, {1.5, true}};
constexpr int kLaterKinds = 4;

constexpr int kRescue = 4;        // budgets spent on an image before it counts as failed,
constexpr int kAfterRescue = 20;  // and evaluations from its first success on, to come nearer

// Points that a descent asks for after a restart are shaken, if s has a kink almost everywhere: the linearisations are
// then samples of s at a coarser scale, where there are fewer minima to fall into.
constexpr double kShake = 1.2;        // of the best distance, at the first step,
constexpr double kShakeDecay = 0.93;  // and from one to the next,
// The evaluations left are shared out evenly among such descents, so that the last one settles in time, too.
constexpr int kShakenSpan = 70;        // steps that one has, about,
constexpr double kShakenShare = 0.55;  // and the share of them that is shaken: it settles in the rest
constexpr int kSeenSteps = 10;         // from which on a descent may tell that s has so many kinks

// The first targeted descent is shaken from the step on at which most of those on smooth networks have crossed, which
// hardly any on piecewise linear ones has, if it has not crossed either: on smooth ones shaking only costs. One that has
// is shaken from kSeenSteps on, if it has seen kinks almost everywhere. None is that meets a linear piece again, and none
// of a network that can be smoothed, which does the same without chance.
constexpr int kFirstShaken = 6;
constexpr double kFirstShake = 0.8;  // of the distance expected, at the first such step

const Effort& effort_of(const SearchOptions& options, Goal goal) {
  if (options.effort != BS_EFFORT_FAST) return goal.targeted() ? kThoroughTargeted : kThorough;
  return goal.targeted() ? kFastTargeted : kFast;
}

}  // namespace

int BoundarySearch::most_screened(const SearchOptions& options) {
  const int screened = options.effort != BS_EFFORT_FAST ? kThorough.screened : kFast.screened;
  return screened < options.classes - 1 ? screened : options.classes - 1;
}

void BoundarySearch::begin(const SearchOptions& options, double id, Goal goal) {
  open(options, id, goal);
  given_ = &options;
  std::uint64_t id_bits;  // any double may be an id
  std::memcpy(&id_bits, &id, sizeof id_bits);
  noise_.seed(options.seed * 0x2545f4914f6cdd1du + id_bits);
  stage_ = Stage::kClean;
  candidate_count_ = screened_ = next_candidate_ = restarts_ = 0;
  bisected_l2_ = HUGE_VAL;
  ended_l2_ = HUGE_VAL;
  probed_ = next_probe_ = 0;
  probes_sorted_ = false;
  ending_ = false;
  first_success_ = 0;
  waiting_ = resumed_ = rough_ = rugged_ = false;
  const int own = options.effort == BS_EFFORT_EXHAUSTIVE ? kExhaustive : effort_of(options, goal).budget;
  budget_ = options.max_evaluations > 0 ? options.max_evaluations : own;
  span_ = effort_of(options, goal).steps;
  ask_goal(goal.targeted() ? kAtImage : kAwayFromLabel);
}

void BoundarySearch::tell(const float* logits, const float* gradient) {
  if (stage_ == Stage::kLattice) {
    const bool finite = judge(logits, gradient);
    const double margin = finite ? smoothed_margin(logits, options_->classes, question_) : 0.0;
    if (!finite || !lattice_.refine(x_, margin, gradient, adversarial_, point_)) {
      close(!succeeded() ? BS_LANE_FAILED : BS_LANE_CONVERGED);
    }
    return;
  }
  best_before_step_ = best_l2_;
  const bool finite = judge(logits, gradient);
  if (best_before_step_ == HUGE_VAL) first_success_ = evaluations_;
  const double margin = finite ? smoothed_margin(logits, options_->classes, question_) : 0.0;
  switch (stage_) {
    case Stage::kClean:
      if (adversarial_ && options_ != &inner_) return close(BS_LANE_ALREADY);
      if (adversarial_) {
        outside_ = 0.0;
        across_ = 1.0;
        return ask_segment();
      }
      if (!finite) {
        if (!finite_logits(logits, options_->classes) || !keep_off_walls()) close(BS_LANE_NOT_FINITE);
        return;
      }
      return after_clean(logits, gradient);
    case Stage::kScreen:
      if (finite) screen(margin, gradient);
      return ask_next_screen();
    case Stage::kProbe:
      if (finite) after_probe(margin, gradient);
      if (next_start()) advance();
      return;
    case Stage::kProof:
      if (!finite) return close(outcome_);
      std::memcpy(best_gradient_, gradient, options_->n * sizeof(float));
      best_smoothed_ = false;
      return finish(outcome_);
    case Stage::kNoise:
      if (!finite) {
        if (next_start()) advance();
        return;
      }
      descent_.begin(*options_, confidence_, x_, point_, {margin, slope_, gradient, adversarial_});
      return advance();
    case Stage::kStart:
      if (!adversarial_) {
        if (next_start()) advance();
        return;
      }
      outside_ = 0.0;
      across_ = 1.0;
      return ask_segment();
    case Stage::kSegment: return after_segment(gradient, finite ? margin : HUGE_VAL);
    case Stage::kBoundary:
      if (!finite) {
        if (next_start()) advance();
        return;
      }
      begin_from_best(margin, slope_, gradient);
      return advance();
    default:
      if (finite && too_deep()) {
        outside_ = 0.0;
        across_ = 1.0;
        return ask_segment();
      }
      if (finite) {
        descent_.absorb(point_, {margin, slope_, gradient, adversarial_});
      } else {
        descent_.retreat(point_);
      }
      return advance();
  }
}

void BoundarySearch::keep(Candidate& candidate, int slot, const float* gradient) {
  candidate.slot = slot;
  candidate.slope = slope_;
  std::memcpy(kept_[slot], gradient, options_->n * sizeof(float));
}

void BoundarySearch::after_clean(const float* logits, const float* gradient) {
  if (goal_.targeted()) {
    Candidate& only = candidates_[0];
    only.one_hot = goal_.target;
    only.margin = smoothed_margin(logits, options_->classes, question_);
    only.distance = 0.0;
    keep(only, 0, gradient);
    candidate_count_ = 1;
    if (next_start()) advance();
    return;
  }
  // The classes with the largest logits, in that order.
  const int wanted = most_screened(*options_);
  for (int j = 0; j < options_->classes; ++j) {
    if (j == goal_.label) continue;
    int at = candidate_count_;
    while (at > 0 && logits[candidates_[at - 1].one_hot] < logits[j]) --at;
    if (at >= wanted) continue;
    if (candidate_count_ < wanted) ++candidate_count_;
    for (int k = candidate_count_ - 1; k > at; --k) candidates_[k] = candidates_[k - 1];
    candidates_[at].one_hot = j;
    candidates_[at].margin = static_cast<double>(logits[goal_.label]) - static_cast<double>(logits[j]);
  }
  ask_next_screen();
}

// The question at the image towards candidates_[screened_] was answered.
void BoundarySearch::screen(double margin, const float* gradient) {
  Candidate& candidate = candidates_[screened_ - 1];
  candidate.margin = margin;
  keep(candidate, screened_ - 1, gradient);
  candidate.distance = descent_.first_order_distance(*options_, x_, {margin, slope_, gradient, false});
}

// Could the boundary to this class be nearer than the nearest seen? Its distance is its margin over the slope of the
// margin, which is not known before its gradient is; the slopes of the other classes are.
bool BoundarySearch::may_be_nearest(const Candidate& candidate) const {
  double nearest = HUGE_VAL;
  double slope = 0.0;
  for (int j = 0; j < screened_; ++j) {
    nearest = std::fmin(nearest, candidates_[j].distance);
    slope = std::fmax(slope, candidates_[j].margin / candidates_[j].distance);
  }
  return !(candidate.margin > effort_of(*options_, goal_).steepest * slope * nearest);
}

void BoundarySearch::ask_next_screen() {
  if (screened_ < candidate_count_ && !over_budget() && may_be_nearest(candidates_[screened_])) {
    candidates_[screened_].distance = HUGE_VAL;  // until it is answered
    candidates_[screened_].slope = 0.0;
    question_ = {candidates_[screened_].one_hot, 1.0, kTowardsClass};
    ++screened_;
    stage_ = Stage::kScreen;
    return;
  }
  candidate_count_ = screened_;
  // A linearisation that puts the boundary outside the box (units are saturated there) says that it does not hold so far out,
  // not that there is no boundary: such classes are gone to, too, after the others.
  const auto nearer = [](const Candidate& a, const Candidate& b) {
    if (a.distance < HUGE_VAL || b.distance < HUGE_VAL) return a.distance < b.distance;
    return a.margin * b.slope < b.margin * a.slope;
  };
  for (int j = 1; j < candidate_count_; ++j) {  // insertion sort, stable
    const Candidate moving = candidates_[j];
    int at = j;
    for (; at > 0 && nearer(moving, candidates_[at - 1]); --at) candidates_[at] = candidates_[at - 1];
    candidates_[at] = moving;
  }
  const int starts = effort_of(*options_, goal_).starts;
  if (candidate_count_ > starts) candidate_count_ = starts;
  if (next_start()) advance();
}

// An image without any success may take more, unless the caller has set the limit.
int BoundarySearch::limit() const {
  if (options_->max_evaluations > 0) return budget_;
  if (!succeeded()) return kRescue * budget_;
  return first_success_ > budget_ ? std::min(kRescue * budget_, first_success_ + kAfterRescue) : budget_;
}

// What is left has to do for the proof, and for the bisection of what lies deep across the boundary.
bool BoundarySearch::over_budget() const {
  const int reserve = (best_smoothed_ ? 1 : 0) + (lies_inside() ? kBisection : 0);
  return evaluations_ + reserve >= limit();
}

// Does the best point lie further across the boundary than a search that came to an end would leave it?
bool BoundarySearch::lies_inside() const {
  return succeeded() && -best_margin_ > kInside * clean_margin_ + 2.0 * confidence_;
}

bool BoundarySearch::falls_behind() const {
  const Effort& effort = effort_of(*options_, goal_);
  const int steps = descent_.steps();
  if (!(best_before_start_ < HUGE_VAL) || steps < effort.trial || shaken()) return false;
  const double lead = effort.lead + effort.early_lead / (steps - effort.trial + 1);
  return descent_.expected_distance() > best_before_start_ * (1.0 + lead);
}

// Has the descent had its turn? While the class of the first one is not settled, steps are better spent on the next.
bool BoundarySearch::turn_over() {
  const int sprint = effort_of(*options_, goal_).sprint;
  if (sprint == 0 || descent_.steps() < sprint || !descent_.crossed()) return false;
  const bool first = next_candidate_ == 1 && !resumed_;
  if (first) waiting_ = true;
  return waiting_;
}

// Is a descent from the image to be left to the restarts?
bool BoundarySearch::glanced() const {
  const int glance = effort_of(*options_, goal_).glance;
  return glance > 0 && restarts_ == 0 && descent_.steps() >= glance && descent_.crossed() && descent_.rough();
}

// Goes on with the descent, or with the next start when it has ended.
void BoundarySearch::advance() {
  for (;;) {
    if (over_budget()) return finish(BS_LANE_BUDGET);
    const bool spent = descent_.steps() >= span_ || glanced();
    if (!spent && !turn_over() && !falls_behind() && descent_.propose(point_)) {
      shake();
      question_.smoothing = smoothing();
      stage_ = Stage::kDescend;
      return;
    }
    if (!next_start()) return;
  }
}

// Sets up the next start. True when a descent stands ready; false when a point is asked for first, or all is done.
bool BoundarySearch::next_start() {
  explain_best();
  if (starts_ > 0 && restarts_ == 0 && descent_.steps() >= kSeenSteps) rough_ = descent_.rough();
  best_before_start_ = best_l2_;
  was_shaken_ = false;
  const bool another = next_candidate_ < candidate_count_ && candidates_[next_candidate_].slope > 0.0;
  if (waiting_ && (next_candidate_ > 1 || !another)) {
    resume();
    return true;
  }
  if (another) {
    const Candidate& candidate = candidates_[next_candidate_++];
    ++starts_;
    question_ = {candidate.one_hot, 1.0, kTowardsClass};
    descent_.begin(*options_, confidence_, x_, x_, {candidate.margin, candidate.slope, kept_[candidate.slot], false});
    return true;
  }
  // Where smoothed gradients end, exact ones lead on.
  if (best_smoothed_ && !resumed_ && !over_budget()) {
    resume();
    return true;
  }
  if (!succeeded() && at_wits_end() && !over_budget() && ask_start()) return false;
  if (unproven() && !over_budget()) {
    bisected_l2_ = best_l2_;
    outside_ = 0.0;
    across_ = 1.0;
    ask_segment();
    return false;
  }
  if (ranking_failed() && (ask_probe() || start_from_probe())) return false;
  if ((succeeded() && !may_restart()) || over_budget()) {
    finish(over_budget() ? BS_LANE_BUDGET : BS_LANE_CONVERGED);
    return false;
  }
  start_from_noise();
  return false;
}

// Did the gradients at the image err so much about the class that was found that their order of the classes is worth nothing?
bool BoundarySearch::ranking_failed() const {
  if (!succeeded() || goal_.targeted() || restarts_ > 0 || over_budget()) return false;
  if (probed_ > 0) return true;
  for (int j = 0; j < screened_; ++j) {
    if (candidates_[j].one_hot != best_class_) continue;
    const double error = best_l2_ / candidates_[j].distance;
    return !(error < kRankingError && error > 1.0 / kRankingError);
  }
  return true;
}

// Each class is then asked for once more as far from the image as a mistake is known to lie, along its own gradient at the
// image: a class that is nearer shows itself there.
bool BoundarySearch::ask_probe() {
  while (probed_ < screened_ && !(candidates_[probed_].slope > 0.0 && candidates_[probed_].one_hot != best_class_)) {
    candidates_[probed_++].distance = HUGE_VAL;
  }
  if (probed_ == screened_) return false;
  probe(candidates_[probed_++]);
  stage_ = Stage::kProbe;
  return true;
}

// point_ := the image, moved down the gradient of that class until it is best_l2_ away or all pixels are at the box.
void BoundarySearch::probe(const Candidate& candidate) {
  const float* const gradient = kept_[candidate.slot];
  const auto move = [&](double step) {
    double squares = 0.0;
    for (std::size_t i = 0; i < options_->n; ++i) {
      const double wanted = static_cast<double>(x_[i]) - step * static_cast<double>(gradient[i]);
      const double low = options_->box.lower;
      const double high = options_->box.upper;
      point_[i] = static_cast<float>(std::fmin(high, std::fmax(low, wanted)));
      const double change = static_cast<double>(point_[i]) - static_cast<double>(x_[i]);
      squares += change * change;
    }
    return std::sqrt(squares);
  };
  // Walls only shorten the way: the step is lengthened a few times by what is missing.
  double step = best_l2_ / candidate.slope;
  for (int j = 0; j < kProbeSteps; ++j) {
    const double length = move(step);
    if (!(length > 0.0) || length > kProbeLength * best_l2_) break;
    step *= best_l2_ / length;
  }
  question_ = {candidate.one_hot, 1.0, kTowardsClass};
}

void BoundarySearch::after_probe(double margin, const float* gradient) {
  Candidate& candidate = candidates_[probed_ - 1];
  double at_image = margin;  // of the linearisation
  for (std::size_t i = 0; i < options_->n; ++i) {
    at_image -= static_cast<double>(gradient[i]) * (static_cast<double>(point_[i]) - static_cast<double>(x_[i]));
  }
  candidate.distance = descent_.first_order_distance(*options_, x_, {at_image, slope_, gradient, false});
}

// From the probe of the class that seemed nearest there, then the next.
bool BoundarySearch::start_from_probe() {
  if (!probes_sorted_) {
    probes_sorted_ = true;
    std::stable_sort(candidates_, candidates_ + screened_,
                     [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
  }
  if (next_probe_ == screened_ || !(candidates_[next_probe_].distance < HUGE_VAL)) return false;
  probe(candidates_[next_probe_++]);
  ++starts_;
  stage_ = Stage::kNoise;
  return true;
}

// Has nothing been found for what a search usually takes, or does the caller's limit leave just enough to go towards a start?
bool BoundarySearch::at_wits_end() const {
  return evaluations_ + (options_->max_evaluations > 0 ? 2 * kBisection : 0) >= budget_;
}

// Where no descent has crossed, from the point that the caller knows. False when there is none, or it has had its turn.
bool BoundarySearch::ask_start() {
  if (!has_start_) return false;
  has_start_ = false;
  std::memcpy(point_, start_, options_->n * sizeof(float));
  ask_goal(goal_.targeted() ? kTowardsClass : kAwayFromLabel);
  stage_ = Stage::kStart;
  return true;
}

// A square root has no derivative at 0, nor has a logarithm: where the gradient at the image is not finite, the search keeps
// off the walls of the box. False when it does already, or no pixel lies there.
bool BoundarySearch::keep_off_walls() {
  if (options_ == &inner_) return false;
  inner_ = *options_;
  const float off = static_cast<float>(kOffWalls) * (inner_.box.upper - inner_.box.lower);
  inner_.box.lower += off;
  inner_.box.upper -= off;
  bool moved = false;
  for (std::size_t i = 0; i < inner_.n; ++i) {
    point_[i] = std::min(std::max(x_[i], inner_.box.lower), inner_.box.upper);
    moved = moved || point_[i] != x_[i];
  }
  if (moved) options_ = &inner_;
  return moved;
}

// A budget beyond that of the effort is for restarts.
bool BoundarySearch::may_restart() const {
  const Effort& effort = effort_of(*options_, goal_);
  return effort.restarts > 0 && (restarts_ < effort.restarts || budget_ > effort.budget);
}

// Does the point just judged, now the best, lie so far across the boundary that the linearisation which led there said
// nothing of it?
bool BoundarySearch::too_deep() const {
  return adversarial_ && best_l2_ < best_before_step_ && -margin_ > kDeep * clean_margin_ && !over_budget();
}

// Is the best point no minimum, by far (among kinks one gradient does not tell), with a boundary yet to be looked for on its segment to the image?
bool BoundarySearch::unproven() const {
  if (!succeeded() || best_smoothed_ || rough_ || best_l2_ >= bisected_l2_ * (1.0 - kSegmentWidth)) return false;
  return residual() > kUnproven;
}

// Bisects the segment from the image to the best point for the boundary, whichever class is across it.
void BoundarySearch::ask_segment() {
  const double share = 0.5 * (outside_ + across_) / across_;
  search_ops().between(x_, best_, static_cast<float>(share), options_->box.lower, options_->box.upper, options_->n,
                       point_);
  asked_class_ = goal_.targeted() ? goal_.target : best_class_;
  question_ = {asked_class_, 1.0, kTowardsClass};
  stage_ = Stage::kSegment;
}

void BoundarySearch::after_segment(const float* gradient, double margin) {
  const double middle = 0.5 * (outside_ + across_);
  (adversarial_ ? across_ : outside_) = middle;
  if (ending_) {
    const bool over = evaluations_ + (best_smoothed_ ? 1 : 0) >= limit();
    if (!over && lies_inside() && across_ - outside_ > kSegmentWidth * across_) return ask_segment();
    return finish(outcome_);
  }
  if (over_budget()) return finish(BS_LANE_BUDGET);
  const bool near = adversarial_ && -margin_ <= kDeep * clean_margin_;
  if (!near && across_ - outside_ > kSegmentWidth * across_) return ask_segment();
  if (adversarial_ && best_class_ == asked_class_) {
    begin_from_best(margin, slope_, gradient);
    return advance();
  }
  std::memcpy(point_, best_, options_->n * sizeof(float));
  question_ = {goal_.targeted() ? goal_.target : best_class_, 1.0, kTowardsClass};
  stage_ = Stage::kBoundary;
}

void BoundarySearch::begin_from_best(double margin, double slope, const float* gradient) {
  ++starts_;
  best_before_start_ = HUGE_VAL;  // no falling behind itself
  descent_.begin(*options_, confidence_, x_, best_, {margin, slope, gradient, true});
  descent_.keep_within(kFirstReach * best_l2_);
}

// From the best point, with nothing but what is known there: what both descents have seen further out only misleads.
void BoundarySearch::resume() {
  waiting_ = false;
  resumed_ = true;
  best_before_start_ = HUGE_VAL;  // no falling behind itself
  question_ = {goal_.targeted() ? goal_.target : best_class_, 1.0, kTowardsClass};
  const double slope = std::sqrt(vector_ops<float>().dot(best_gradient_, best_gradient_, options_->n));
  descent_.begin(*options_, confidence_, x_, best_, {best_margin_, slope, best_gradient_, true});
  descent_.expect_kinks();
  settle();
}

double BoundarySearch::smoothing() const {
  if (!options_->smoothable || resumed_ || restarts_ > 0 || evaluations_ + 2 > limit()) return 0.0;
  const Effort& effort = effort_of(*options_, goal_);
  double smoothing = effort.smoothing;
  for (int j = 0; j < descent_.steps(); ++j) smoothing *= effort.smoothing_decay;
  return smoothing;
}

// Is this step of the descent shaken?
bool BoundarySearch::shaken() const {
  const int steps = descent_.steps();
  if (restarts_ > 0) return rough_ && succeeded() && steps < kShakenShare * span_;
  return rugged_ && !resumed_ && steps >= kFirstShaken && steps < effort_of(*options_, goal_).shaken;
}

// Does the first descent go over kinks that are too many to be met again? Late to cross, or almost everywhere.
void BoundarySearch::see_if_rugged() {
  if (restarts_ > 0 || resumed_ || !goal_.targeted() || options_->smoothable) return;
  if (descent_.steps() == kFirstShaken) rugged_ = !descent_.crossed() && descent_.kinks_prevail();
  if (descent_.steps() == kSeenSteps && descent_.rough()) rugged_ = true;
  if (descent_.repeating()) rugged_ = false;
}

// From here on the descent takes shorter and shorter steps.
void BoundarySearch::settle() {
  const Effort& effort = effort_of(*options_, goal_);
  descent_.settle(effort.reach, effort.reach_decay);
}

// Moves the point proposed by noise that decays with the steps.
void BoundarySearch::shake() {
  see_if_rugged();
  if (!shaken()) {
    if (was_shaken_) settle();
    was_shaken_ = false;
    return;
  }
  was_shaken_ = true;
  const bool restarted = restarts_ > 0;
  double norm = restarted ? kShake * best_l2_ : kFirstShake * descent_.expected_distance();
  const double decay = restarted ? kShakeDecay : effort_of(*options_, goal_).shake_decay;
  for (int j = restarted ? 0 : kFirstShaken; j < descent_.steps(); ++j) norm *= decay;
  add_noise(point_, norm);
  descent_.excuse();
}

// Asks for a point near the best one, half its distance away, or, while there is none, near the image, further out each
// time. Restarts from noise around the image fall back into the same minimum far more often than those around the best.
bool BoundarySearch::start_from_noise() {
  const std::size_t n = options_->n;
  if (rough_ && succeeded()) {
    const int left = budget_ - evaluations_;
    const int descents = std::max(1, (left + kShakenSpan / 2) / kShakenSpan);
    span_ = left / descents - 1;  // the start takes one more
  }
  ++restarts_;
  ++starts_;
  const double width = static_cast<double>(options_->box.upper) - static_cast<double>(options_->box.lower);
  const int later = restarts_ - effort_of(*options_, goal_).restarts;
  const LaterStart& start = later > 0 ? kLaterStarts[later % kLaterKinds] : kNearBest;
  const double norm =
      succeeded() ? start.reach * best_l2_ : 0.02 * width * std::sqrt(static_cast<double>(n)) * restarts_;
  const bool from_image = !succeeded() || start.from_image;
  add_noise(from_image ? x_ : best_, norm);
  const int other = candidates_[later > 0 && candidate_count_ > 0 ? later / kLaterKinds % candidate_count_ : 0].one_hot;
  const int towards = goal_.targeted() ? goal_.target : from_image ? other : best_class_;
  question_ = {towards, 1.0, kTowardsClass};
  stage_ = Stage::kNoise;
  return true;
}

// point_ := around, moved by noise of about this norm, in the box.
void BoundarySearch::add_noise(const float* around, double norm) {
  const double amplitude = std::sqrt(3.0 / static_cast<double>(options_->n)) * norm;
  noise_.add(around, static_cast<float>(amplitude), options_->box.lower, options_->box.upper, options_->n, point_);
}

// The descent that has just ended knows more of the constraint at the best point than the one gradient kept there.
void BoundarySearch::explain_best() {
  if (!(starts_ > 0 && best_l2_ < best_before_start_) || best_smoothed_) return;
  best_residual_ = descent_.explain(best_, best_margin_, best_gradient_);
}

// A smoothed gradient proves nothing: when the best point has no other, it is evaluated once more.
bool BoundarySearch::ask_proof(bs_lane_status status) {
  if (!best_smoothed_) return false;
  std::memcpy(point_, best_, options_->n * sizeof(float));
  question_ = {goal_.targeted() ? goal_.target : best_class_, 1.0, kTowardsClass};
  best_before_start_ = best_l2_;  // the linearisations held are smoothed, too: they explain nothing
  outcome_ = status;
  stage_ = Stage::kProof;
  return true;
}

void BoundarySearch::finish(bs_lane_status status) {
  explain_best();
  if (!succeeded()) return close(BS_LANE_FAILED);
  if (lies_inside() && best_l2_ < ended_l2_ && evaluations_ + (best_smoothed_ ? 1 : 0) < limit()) {
    ended_l2_ = best_l2_;
    outcome_ = status;
    ending_ = true;
    outside_ = 0.0;
    across_ = 1.0;
    return ask_segment();
  }
  if (ask_proof(status)) return;
  if (options_->quantization == 0) return close(status);
  ask_goal(goal_.targeted() ? kTowardsClass : kAwayFromLabel);
  options_ = given_;  // the lattice has levels on the walls, too
  lattice_.begin(x_, best_, best_margin_, best_gradient_, *options_, confidence_, point_);
  forget_best();
  stage_ = Stage::kLattice;
}

}  // namespace blindspot
