// Noise for restarts, and for the points that a descent among kinks asks for (ADR 9).
//
// Where s has a kink almost everywhere, linearisations at perturbed points are samples of s at a coarser scale, where there are
// fewer minima to fall into. The noise decays from step to step; what was perturbed then settles by shorter and shorter steps.
#pragma once

#include <cstddef>

#include "search/boundary_descent.hpp"
#include "search/noise.hpp"
#include "search/schedule.hpp"

namespace blindspot {

// Where a restart begins: noise of so much of the best distance, around the best point or around the image.
struct RestartPlace {
  double reach;
  bool around_image;
  int towards;  // rank of the class, of those around the image
};

// restart: from 1 on; `planned` of them belong to the effort, those after them to a larger budget. stalled: the best point is no
// minimum, so that every other restart begins nearer to the image.
RestartPlace restart_place(int restart, int planned, int classes, bool stalled);

class Perturbation {
 public:
  void begin(std::uint64_t seed) {
    noise_.seed(seed);
    rough_ = rugged_ = false;
  }

  // point := around, moved by noise of about this norm, in the box.
  void add(const float* around, double norm, const SearchOptions& options, float* point);

  // Restarts share the evaluations left evenly, so that the last one settles in time, too; where fewer are left than one takes, it is
  // as long as usual. Returns the steps of each.
  static int span_of_restarts(int evaluations_left);

  // A descent from the image has ended.
  void learn(const BoundaryDescent& descent);
  // Have the descents from the image seen kinks almost everywhere?
  bool rough() const { return rough_; }

  // Watches the first targeted descent, where gradients cannot be smoothed.
  void watch(const BoundaryDescent& descent);

  // Is the first descent one that may be perturbed?
  bool rugged() const { return rugged_; }

  // Is this step of a restart, of so many steps, perturbed? Of the first descent?
  bool of_restart(const BoundaryDescent& descent, int span) const;
  bool of_first(const BoundaryDescent& descent, const Schedule& schedule) const;
  // The norm of the noise.
  static double norm_of_restart(const BoundaryDescent& descent, double best_distance);
  static double norm_of_first(const BoundaryDescent& descent, const Schedule& schedule);

 private:
  Noise noise_;
  bool rough_ = false;
  bool rugged_ = false;  // the first descent goes over too many kinks
};

}  // namespace blindspot
