// What every method of search keeps for one image: the goal, the best adversarial point so far, and its proof.
//
// A method derives from Lane and is a step machine (method.hpp): begin, then point/question are evaluated and told, until
// status leaves BS_LANE_RUNNING. Success is judged here, on the hard margin of the goal at the very float32 pixels
// that are delivered, never by the method itself. The end is here, too: what is asked for on a lattice is rounded to it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindspot/blindspot.h"
#include "memory/arena.hpp"
#include "search/lattice_rounding.hpp"
#include "search/margin.hpp"
#include "search/search_options.hpp"

namespace blindspot {

class Lane {
 public:
  // The image, [n]: written by the owner before begin.
  float* image() { return x_; }
  // A point that may lie across the boundary, [n]: to be told after begin.
  void may_start_from(const float* start);
  // The point that the lane wants evaluated, [n], and the question asked of the model there.
  const float* point() const { return point_; }
  const Question& question() const { return question_; }
  bs_lane_status status() const { return status_; }
  bool running() const { return status_ == BS_LANE_RUNNING && busy_; }
  bool finished() const { return status_ != BS_LANE_RUNNING && busy_; }
  bool idle() const { return !busy_; }
  void release() { busy_ = false; }

  // Brings an answer to the unit of this image's logits, by a power of two, in place: whatever a search compares with
  // margins and temperatures then means the same however small the logits are.
  void normalise(float* logits, float* gradient);
  double unit() const { return unit_ > 0.0 ? unit_ : 1.0; }

  // What a method needs besides, unless it says otherwise (method.hpp).
  static constexpr int kScratchVectors = 0;
  static std::uint64_t own_bytes(const SearchOptions&) { return 0; }
  void use_scratch(float* const*) {}
  bool create(const SearchOptions&, Arena&) { return true; }

  // The delivered pixels: the best adversarial point, or the image itself.
  const float* example() const { return succeeded() ? best_ : x_; }
  void result(bs_search_result& out) const;

 protected:
  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    const std::size_t n = options.n;
    x_ = source.template take<float>(n);
    given_point_ = source.template take<float>(n);
    point_ = source.template take<float>(n);
    best_ = source.template take<float>(n);
    best_gradient_ = source.template take<float>(n);
    lattice_.carve(source, options);
  }

  void open(const SearchOptions& options, double id, Goal goal);

  // Takes one answer at point_: counts it and judges it by the goal; a smaller adversarial point becomes the best.
  // False when the answer is not finite; the verdict holds where the logits are.
  bool judge(const float* logits, const float* gradient);

  void close(bs_lane_status status);
  // The end of a method: closes, or, where a lattice is asked for, goes on from the best point to the nearest points of it.
  void deliver(bs_lane_status status, double temperature);
  // Does the answer at point_, just judged, belong to that end? Then it is taken, and the method has nothing to do.
  bool delivering() const { return delivering_; }
  void go_on_delivering(bool finite, const float* logits, const float* gradient);
  bool succeeded() const { return best_distance_ < HUGE_VAL; }
  double residual() const;  // the relative KKT residual at the best point
  bool stalled() const;     // is that no minimum, as far as its gradient tells?
  void forget_best();
  void ask_goal(double temperature);

  const SearchOptions* options_ = nullptr;
  double confidence_ = 0.0;  // in the image's unit
  Goal goal_;
  Question question_;
  float* x_ = nullptr;
  float* given_point_ = nullptr;
  bool has_given_point_ = false;
  float* point_ = nullptr;
  float* best_ = nullptr;
  float* best_gradient_ = nullptr;  // of the smoothed margin asked for there, or a combination that explains it better
  double best_distance_ = HUGE_VAL;
  double best_margin_ = 0.0;
  bool best_smoothed_ = false;   // best_gradient_ is a smoothed one, which proves nothing
  double best_residual_ = -1.0;  // of the proof there (Metric::kkt_residual); < 0 while it is not known
  int best_class_ = -1;
  double clean_margin_ = 0.0;  // hard margin of the image
  int clean_class_ = -1;
  double clean_slope_ = NAN;  // of the gradient there, in the model's own logits
  int evaluations_ = 0;
  int starts_ = 0;
  double margin_ = 0.0;       // hard margin of the goal at the point last judged
  double slope_ = 0.0;        // norm of the gradient at the point last judged
  bool adversarial_ = false;  // the point last judged

 private:
  double unit_ = 0.0;  // of the logits; 0 until the first answer
  double id_ = 0.0;
  bs_lane_status status_ = BS_LANE_RUNNING;
  bool busy_ = false;
  LatticeRounding lattice_;
  bool delivering_ = false;  // on the lattice
};

}  // namespace blindspot
