// The minimum-distortion search, method `boundary`: descents to the nearest point of the decision boundary
// (boundary_descent) from a few starts.
//
// Untargeted: the runner-up class is often not the nearest one. One gradient a class at the image itself gives the
// distance to that class's boundary to first order (a projection on a halfspace and the box); the descents then go
// towards the nearest classes, in that order, and one that falls behind the best found is given up.
// Where units are saturated, the gradients at the image tell nothing of distances. A class whose boundary they put outside the box
// is gone to after the others; and where the distance found belies what was foretold, each class is asked for once more at that
// distance from the image, and descents begin from there, the class first whose boundary passes the image the nearest.
// Targeted: one descent towards the class, shaken by noise once it is seen to go over many kinks; what was shaken settles
// by shorter and shorter steps. Where the model gives smoothed gradients, descents from the image begin with those, and
// none of them is shaken. Effort `thorough` looks at more classes, and starts again from noise around the best point. An
// image for which nothing was found gets restarts from wider and wider noise around it.
#pragma once

#include <cstddef>

#include "search/boundary_descent.hpp"
#include "search/lane.hpp"
#include "search/lattice_rounding.hpp"
#include "search/noise.hpp"

namespace blindspot {

class BoundarySearch final : public Lane {
 public:
  static constexpr int kScratchVectors = BoundaryDescent::kScratchVectors;

  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    Lane::carve(source, options.n);
    descent_.carve(source, options.n);
    lattice_.carve(source, options);
    const int kept = most_screened(options);
    for (int j = 0; j < kept; ++j) kept_[j] = source.template take<float>(options.n);
  }

  void lend(float* const* scratch) { descent_.lend(scratch); }
  void begin(const SearchOptions& options, double id, Goal goal);
  void tell(const float* logits, const float* gradient);

 private:
  static constexpr int kMostScreened = 9;

  enum class Stage { kClean, kScreen, kDescend, kStart, kSegment, kBoundary, kNoise, kProof, kLattice, kProbe };

  // A class that a descent may go to, with its constraint at the image.
  struct Candidate {
    int one_hot = 0;
    int slot = 0;  // of its gradient in kept_
    double margin = 0.0;
    double slope = 0.0;
    double distance = 0.0;  // to first order
  };

  static int most_screened(const SearchOptions& options);
  void after_clean(const float* logits, const float* gradient);
  void screen(double margin, const float* gradient);
  bool may_be_nearest(const Candidate& candidate) const;
  void ask_next_screen();
  void advance();
  bool next_start();
  bool ranking_failed() const;
  bool ask_probe();
  void after_probe(double margin, const float* gradient);
  bool start_from_probe();
  void probe(const Candidate& candidate);
  bool start_from_noise();
  void add_noise(const float* around, double norm);
  double smoothing() const;  // wanted of the next gradient
  bool shaken() const;
  void see_if_rugged();
  void shake();
  void settle();
  bool turn_over();
  bool glanced() const;
  void resume();
  bool too_deep() const;
  bool unproven() const;
  bool lies_inside() const;
  bool may_restart() const;
  bool at_wits_end() const;
  bool ask_start();
  bool keep_off_walls();
  void ask_segment();
  void after_segment(const float* gradient, double margin);
  void begin_from_best(double margin, double slope, const float* gradient);
  int limit() const;  // of evaluations
  bool over_budget() const;
  bool falls_behind() const;
  void explain_best();
  void finish(bs_lane_status status);
  bool ask_proof(bs_lane_status status);
  void keep(Candidate& candidate, int slot, const float* gradient);

  BoundaryDescent descent_;
  LatticeRounding lattice_;
  SearchOptions inner_;  // the box without its walls, where gradients there are not finite
  const SearchOptions* given_ = nullptr;
  Noise noise_;
  Stage stage_ = Stage::kClean;
  Candidate candidates_[kMostScreened];
  int candidate_count_ = 0;
  int screened_ = 0;
  int next_candidate_ = 0;
  int restarts_ = 0;
  int budget_ = 0;
  int span_ = 0;          // most steps of the descent
  bool waiting_ = false;  // the first descent, for the second to have its turn
  bool resumed_ = false;
  double outside_ = 0.0;  // the segment from the image to the best point: where it was last seen not to be adversarial,
  double across_ = 1.0;   // and to be so, as shares of it as it was when the bisection began
  double bisected_l2_ = 0.0;                    // of the best point when it was last bisected for want of a proof
  double ended_l2_ = 0.0;                       // of the best point when the search had ended deep across the boundary,
  bool ending_ = false;                         // and its segment is bisected at last
  int first_success_ = 0;                       // evaluations spent when it came
  int asked_class_ = -1;                        // class that the gradient at the best point leads towards
  bool rugged_ = false;                         // the first descent goes over too many kinks, and is shaken
  bool rough_ = false;                          // the descents before the first restart saw kinks almost everywhere
  bool was_shaken_ = false;                     // the step before
  bs_lane_status outcome_ = BS_LANE_CONVERGED;  // once the proof is told
  double best_before_start_ = 0.0;
  double best_before_step_ = 0.0;
  float* kept_[kMostScreened] = {};
  int probed_ = 0;              // of the candidates,
  bool probes_sorted_ = false;  // which then are in the order of what was seen there
  int next_probe_ = 0;
};

}  // namespace blindspot
