#include "search/perturbation.hpp"

#include <algorithm>
#include <cmath>

namespace blindspot {
namespace {

constexpr double kFirstReach = 0.5;  // of the best distance, around the best point: the restarts of an effort
// Those beyond, in turn; those around the image go towards its nearest classes, one after the other.
struct LaterPlace {
  double reach;
  bool around_image;
};
constexpr LaterPlace kLaterPlaces[] = {{1.0, false}, {0.7, true}, {0.25, false}, {1.5, true}};
constexpr int kLaterKinds = 4;
constexpr double kNearerReach = 0.7;  // around the image, where the best point is no minimum: powers of it
constexpr int kNearerRestarts = 8;    // up to which every other restart is one of those

// Of restarts:
constexpr double kRestartNorm = 1.2;    // of the best distance, at the first step,
constexpr double kRestartDecay = 0.93;  // and from one to the next
constexpr int kRestartSpan = 70;        // steps that one has, about,
constexpr double kRestartShare = 0.55;  // and the share of them that is perturbed: it settles in the rest

// Of the first targeted descent: from the step on at which most of those on smooth networks have crossed, which hardly any on piecewise
// linear ones has, if it has not crossed either (on smooth ones noise only costs). One that has is perturbed from kSeenSteps on,
// if it has seen kinks almost everywhere. None is that meets a linear piece again.
constexpr int kFirstStep = 6;
constexpr int kSeenSteps = 10;      // from which on a descent may tell that s has so many kinks
constexpr double kFirstNorm = 0.8;  // of the distance expected, at the first such step

}  // namespace

RestartPlace restart_place(int restart, int planned, int classes, bool stalled) {
  if (stalled && restart % 2 == 1 && restart < kNearerRestarts) {
    double reach = 1.0;
    for (int j = 0; j < restart; ++j) reach *= kNearerReach;
    return {reach, true, 0};
  }
  const int later = restart - planned;
  if (later <= 0) return {kFirstReach, false, 0};
  const LaterPlace& place = kLaterPlaces[later % kLaterKinds];
  return {place.reach, place.around_image, classes > 0 ? later / kLaterKinds % classes : 0};
}

void Perturbation::add(const float* around, double norm, const SearchOptions& options, float* point) {
  const double amplitude = options.metric->noise_amplitude(norm, options.n);
  noise_.add(around, static_cast<float>(amplitude), options.box.lower, options.box.upper, options.n, point);
}

int Perturbation::span_of_restarts(int evaluations_left) {
  if (evaluations_left < kRestartSpan) return kRestartSpan;
  const int descents = std::max(1, (evaluations_left + kRestartSpan / 2) / kRestartSpan);
  return evaluations_left / descents - 1;  // the start takes one more
}

void Perturbation::learn(const BoundaryDescent& descent) {
  if (descent.steps() >= kSeenSteps) rough_ = descent.rough();
}

void Perturbation::watch(const BoundaryDescent& descent) {
  if (descent.steps() == kFirstStep) rugged_ = !descent.crossed() && descent.kinks_prevail();
  if (descent.steps() == kSeenSteps && descent.rough()) rugged_ = true;
  if (descent.recurring()) rugged_ = false;
}

bool Perturbation::of_restart(const BoundaryDescent& descent, int span) const {
  return rough_ && descent.steps() < kRestartShare * span;
}

bool Perturbation::of_first(const BoundaryDescent& descent, const Schedule& schedule) const {
  return rugged_ && !descent.flat() && descent.steps() >= kFirstStep && descent.steps() < schedule.perturbed;
}

double Perturbation::norm_of_restart(const BoundaryDescent& descent, double best_distance) {
  double norm = kRestartNorm * best_distance;
  for (int j = 0; j < descent.steps(); ++j) norm *= kRestartDecay;
  return norm;
}

double Perturbation::norm_of_first(const BoundaryDescent& descent, const Schedule& schedule) {
  double norm = kFirstNorm * descent.expected_distance();
  for (int j = kFirstStep; j < descent.steps(); ++j) norm *= schedule.perturbation_decay;
  return norm;
}

}  // namespace blindspot
