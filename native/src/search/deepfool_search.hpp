// DeepFool: from the image step by step onto the nearest boundary as linearised at the iterate, until the answer changes.
//
//   k = argmin distance of {s_k + a_k . d <= 0} from the iterate, over the classes k (or the target alone)
//   r += the projection onto that halfspace, and the next iterate is x + (1 + 0.02) r, in the box
//
// A baseline: a few steps, each onto a boundary and none along it, so that what it finds is no minimum. A step costs a gradient for
// each class that may be the nearest (class_screening), of those with the largest logits: seven, nine by the larger efforts.
//
// Source: Moosavi-Dezfooli, Fawzi & Frossard, DeepFool, CVPR 2016, algorithm 2; here with the box, and by classes as needed.
#pragma once

#include "search/class_screening.hpp"
#include "search/lane.hpp"

namespace blindspot {

class DeepfoolSearch final : public Lane {
 public:
  static constexpr int kScratchVectors = 2;

  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    Lane::carve(source, options);
    screening_.carve(source, options);
    change_ = source.template take<float>(options.n);
    iterate_ = source.template take<float>(options.n);
  }
  void use_scratch(float* const* scratch) {
    scratch_ = scratch;
    screening_.use_scratch(scratch);
  }
  void begin(const SearchOptions& options, double id, Goal goal);
  void tell(const float* logits, const float* gradient);

 private:
  void at_iterate(double margin, const float* logits, const float* gradient);
  void ask_next_class();
  void step();

  ClassScreening screening_;
  float* const* scratch_ = nullptr;
  float* change_ = nullptr;   // r: the sum of the steps
  float* iterate_ = nullptr;  // x + (1 + overshoot) r
  bool screening_classes_ = false;
  int budget_ = 0;
};

}  // namespace blindspot
