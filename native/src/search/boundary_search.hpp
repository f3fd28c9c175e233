// The minimum-distortion search, method `boundary`: descents to the nearest point of the decision boundary
// (boundary_descent) from a few starts.
//
// Untargeted: descents from the image towards the nearest classes (class_screening), in that order; one that falls behind the best
// found is given up. Targeted: one descent towards the class, perturbed by noise once it is seen to go over many kinks. Where the
// model gives smoothed gradients, descents from the image begin with those, and none of them is perturbed. Effort `thorough` goes on
// from what `fast` has found, looks at more classes, and starts again from noise around the best point. An image for which
// nothing was found gets restarts from wider and wider noise around it. docs/algorithm.md has the whole as pseudocode and as a diagram of these stages.
#pragma once

#include <cstddef>

#include "search/boundary_descent.hpp"
#include "search/class_screening.hpp"
#include "search/lane.hpp"
#include "search/perturbation.hpp"
#include "search/schedule.hpp"
#include "search/segment_bisection.hpp"

namespace blindspot {

class BoundarySearch final : public Lane {
 public:
  static constexpr int kScratchVectors = BoundaryDescent::kScratchVectors;

  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    Lane::carve(source, options);
    descent_.carve(source, options.n);
    screening_.carve(source, options);
  }

  void use_scratch(float* const* scratch) {
    descent_.use_scratch(scratch);
    screening_.use_scratch(scratch);
  }
  void begin(const SearchOptions& options, double id, Goal goal);
  void tell(const float* logits, const float* gradient);

 private:
  // What the point that is asked for is.
  enum class Stage {
    kClean,     // the image
    kScreen,    // the image, towards one more class
    kDescend,   // the next point of the descent
    kGiven,     // the point across the boundary that the caller knows
    kSegment,   // a point of the segment from the image to the best point
    kCrossing,  // the best point, where that segment crosses the boundary
    kProbe,     // a class's probe
    kNoise,     // where a descent is to begin: noise, or a probe
    kProof,     // the best point, for its exact gradient
  };

  // What a descent begins from.
  struct Start {
    enum class Kind {
      kImage,     // the image, towards the next class
      kNoise,     // noise, or the probe of a class
      kHandover,  // the best point of the descents from the image, with nothing but what is known there
      kCrossing,  // the best point, after a bisection
    };
    Kind kind;
    const float* y;
    BoundaryDescent::Answer at_y;
  };

  // Of the descents from the image, where they take turns.
  enum class Turn {
    kFirst,       // the first has it
    kSecond,      // the first waits
    kHandedOver,  // a descent from the best point of both has begun
  };

  // boundary_search.cpp: from one answer to the next question
  const Schedule& schedule() const { return schedule_of(effort_, goal_); }
  void begin_effort(bs_effort effort);
  bool next_effort();
  int most_evaluations() const;
  void ask(int towards, Stage stage);
  void ask_best(Stage stage);
  int goal_class() const;
  void after_clean(bool finite, const float* logits, const float* gradient);
  void ask_next_screen();
  void after_descent_step(bool finite, double margin, const float* gradient);
  void advance();
  void ask_step();
  bool slice_over() const;
  bool falls_behind() const;
  double smoothing() const;  // wanted of the next gradient
  static double temperature(double margin);
  bool perturbed() const;
  void perturb();

  // boundary_starts.cpp: where descents begin
  bool next_start();
  void begin_descent(const Start& start);
  void begin_from_image(const ClassScreening::Candidate& candidate);
  void hand_over();
  bool ask_probes();
  bool ask_given();
  void ask_noise();
  bool keep_off_walls();
  bool may_restart() const;
  bool at_wits_end() const;

  // boundary_ends.cpp: bisections, proofs, limits and ends
  void bisect_segment();
  void ask_segment();
  void after_segment(const float* gradient, double margin);
  bool too_deep() const;
  bool unproven() const;
  bool lies_inside() const;
  int limit() const;  // of evaluations
  bool over_budget() const;
  void explain_best();
  void finish(bs_lane_status status);

  BoundaryDescent descent_;
  ClassScreening screening_;
  Perturbation perturbation_;
  SegmentBisection bisection_;
  SearchOptions off_walls_;  // the box without its walls, where gradients there are not finite
  const SearchOptions* with_walls_ = nullptr;

  Stage stage_ = Stage::kClean;
  bs_effort effort_ = BS_EFFORT_FAST;  // so far
  double rival_ =
      HUGE_VAL;  // best distance that the descent competes with; infinite for those that begin at the best point
  int starts_before_ = 0;          // of smaller efforts
  double nearest_end_ = HUGE_VAL;  // of the descents of this effort
  Turn turn_ = Turn::kFirst;
  int next_candidate_ = 0;
  bool from_image_ = false;  // the descent began there
  int restarts_ = 0;
  int budget_ = 0;
  int span_ = 0;                 // most steps of the descent
  bool perturbed_step_ = false;  // the step before
  double best_before_step_ = 0.0;
  int first_success_ = 0;  // evaluations spent when it came
  int asked_class_ = -1;   // class that the gradient on the segment leads towards

  double bisected_distance_ = HUGE_VAL;         // of the best point when it was last bisected for want of a proof
  double ended_distance_ = HUGE_VAL;            // of the best point when the search had ended deep across the boundary,
  bool ending_ = false;                         // and its segment is bisected at last
  bs_lane_status outcome_ = BS_LANE_CONVERGED;  // after the last bisection or proof
};

}  // namespace blindspot
