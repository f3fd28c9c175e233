// The proof of a minimum among kinks. At a corner of several linear pieces no single gradient shows that a point is a nearest one;
// a convex combination of the pieces' gradients does (the aggregate subgradient of bundle methods).
#pragma once

#include <cstddef>

#include "search/bundle.hpp"
#include "search/metric/metric.hpp"

namespace blindspot {

// What the proof is about: the image x, the point y, s there and the scale of |a| |f|, all [n] or in the bundle's scaled unit.
struct ProofPoint {
  const float* x;
  const float* y;
  const Metric* metric;
  Box box;
  std::size_t n;
  double scale;   // of the bundle's constraint: its s is scale times the margin's
  double margin;  // at y, scaled
  double slope;   // at the iterate, scaled
  double distance;
};

// gradient: that of one piece at y; replaced by the combination over the cuts still held that agree with the margin at y, when
// that shows the minimum better. Returns the KKT residual that remains. scratch: three vectors, [n] each.
double aggregate_gradient(const Bundle& bundle, const ProofPoint& at, float* gradient, float* const* scratch);

}  // namespace blindspot
