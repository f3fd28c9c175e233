// What every method of search keeps for one image: the goal, the best adversarial point so far, and its proof.
//
// A method derives from Lane and is a step machine: begin, then point/question are evaluated and told, until
// status leaves BS_LANE_RUNNING. Success is judged here, on the hard margin of the goal at the very float32 pixels
// that are delivered, never by the method itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindspot/blindspot.h"
#include "search/halfspace_box.hpp"
#include "search/margin.hpp"

namespace blindspot {

struct SearchOptions {
  std::size_t n = 0;
  int classes = 0;
  int lanes = 0;
  bs_search_method method = BS_SEARCH_BOUNDARY;
  bs_effort effort = BS_EFFORT_FAST;
  Box box;
  int max_evaluations = 0;  // of an image; 0: the method's own budget
  double confidence = 0.0;  // success means hard margin < -confidence; 0: as the image's own logits have it
  int quantization = 0;     // bits of the lattice; 0: none
  std::uint64_t seed = 0;
  bool smoothable = false;  // the model answers gradients as smooth as the question wants them
};

struct Goal {
  int label = 0;
  int target = -1;  // -1: any class but the label
  bool targeted() const { return target >= 0; }
};

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

  // The delivered pixels: the best adversarial point, or the image itself.
  const float* example() const { return succeeded() ? best_ : x_; }
  void result(bs_search_result& out) const;

 protected:
  template <typename Source>
  void carve(Source& source, std::size_t n) {
    x_ = source.template take<float>(n);
    given_point_ = source.template take<float>(n);
    point_ = source.template take<float>(n);
    best_ = source.template take<float>(n);
    best_gradient_ = source.template take<float>(n);
  }

  void open(const SearchOptions& options, double id, Goal goal);

  // Takes one answer at point_: counts it and judges it by the goal; a smaller adversarial point becomes the best.
  // False when the answer is not finite; the verdict holds where the logits are.
  bool judge(const float* logits, const float* gradient);

  void close(bs_lane_status status);
  bool succeeded() const { return best_l2_ < HUGE_VAL; }
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
  double best_l2_ = HUGE_VAL;
  double best_margin_ = 0.0;
  bool best_smoothed_ = false;   // best_gradient_ is a smoothed one, which proves nothing
  double best_residual_ = -1.0;  // of the proof there (kkt_residual); < 0 while it is not known
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
};

}  // namespace blindspot
