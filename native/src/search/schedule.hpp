// How much of everything a boundary search may do: one table an effort, targeted or not. Every row is a tunable of the
// search; docs/algorithm.md gives the evidence for the values and what other values did.
#pragma once

#include "search/search_options.hpp"

namespace blindspot {

// The temperature of the margin towards a class: small enough that the constraint is the hard one to about 0.002 log K.
inline constexpr double kTowardsClass = 0.002;
// Away from the label the margin is the hard one.
inline constexpr double kAwayFromLabel = 1e-3;

struct Schedule {
  // evaluations of an image
  int budget;

  // Class screening, untargeted (ADR 7).
  // classes, at most, whose gradient at the image is asked for
  int screened = 1;
  // times the largest slope seen that a class not yet asked for is taken to have: it is asked for while its boundary may then
  // be the nearest
  double steepest = 0.0;
  // classes, at most, that a descent from the image goes to
  int starts = 1;

  // Time slices (ADR 9).
  // steps of one descent, at most
  int steps;
  // steps after which the first descent, once it has crossed, hands over to the second, and that to a fresh one from the best point
  // of both; with one class alone, that one follows at once; 0: it goes on to its end
  int slice = 0;
  // steps after which a descent from the image that has crossed is left, among kinks almost everywhere, to the restarts; 0: never
  int rough_slice = 0;

  // Giving up a descent that expects to end further out than the best.
  // steps before it may be
  int trial;
  // relative lead of the best that is too much,
  double lead;
  // and what is allowed on top, over the steps since the trial
  double early_lead;

  // Smoothed gradients of descents from the image (ADR 10).
  // width of rounded kinks at the first step, of the root mean square of the values there
  double smoothing;
  // factor of it from step to step
  double smoothing_decay;

  // Restarts and perturbation (ADR 9).
  // restarts from noise around the best point, beyond which only a larger budget of the caller's leads
  int restarts = 0;
  // last step that a first targeted descent among many kinks is perturbed at
  int perturbed = 0;
  // factor of that noise from step to step
  double perturbation_decay = 0.0;

  // Settling of a descent that was perturbed, or goes on from the best point.
  // bound on the trust radius, of the best distance,
  double trust_bound;
  // and its factor from step to step
  double trust_bound_decay;
};

// `exhaustive` has the schedule of `thorough`, whose restarts it goes on with.
const Schedule& schedule_of(bs_effort effort, Goal goal);

// Evaluations of an image when the caller sets no limit.
int own_budget(bs_effort effort, Goal goal);

}  // namespace blindspot
