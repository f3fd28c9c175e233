// Rounds an adversarial point to the lattice of 2^bits levels of the box, so that an image saved with that many bits
// stays adversarial.
//
// With the constraint linearised at a point y, s(q) ~ s + a . (q - y), the problem is a knapsack: start from the
// lattice point nearest to y, and move single coordinates one level against the gradient, cheapest distance per
// unit of margin first, until the model says that the boundary is crossed. The point found is evaluated, the constraint
// linearised there, and the same done again, a few times. Where that does not get across, points further and further out
// on the line from the image through y are rounded until one does, then the stretch between the last two is bisected.
#pragma once

#include <cstddef>
#include <cstdint>

#include "search/search_options.hpp"

namespace blindspot {

class LatticeRounding {
 public:
  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    if (options.quantization == 0) return;
    y_ = source.template take<float>(options.n);
    price_ = source.template take<float>(options.n);
    order_ = source.template take<std::uint32_t>(options.n);
  }

  static constexpr int kRounds = 30;  // evaluations, at most

  // Writes the first lattice point to evaluate.
  void begin(const float* x, const float* y, double margin, const float* gradient, const SearchOptions& options,
             double confidence, float* point);

  // Takes the answer at point, and writes the next one there; false when it ends.
  bool refine(const float* x, double margin, const float* gradient, bool adversarial, float* point);

 private:
  float level(double value) const;
  void cross(const float* x, double margin, const float* gradient, float* point);
  void stretch(const float* x, double factor, float* point);

  const SearchOptions* options_ = nullptr;
  float* y_ = nullptr;  // a copy
  float* price_ = nullptr;
  std::uint32_t* order_ = nullptr;
  double aim_ = 0.0;
  int rounds_ = 0;
  double stretch_ = 0.0;  // of y - x, at the point asked for; 0 while the linear model leads
  double short_ = 0.0;    // the largest that did not get across,
  double across_ = 0.0;   // and the smallest that did; 0 while none has
};

}  // namespace blindspot
