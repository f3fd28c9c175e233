#include "search/metric/metric.hpp"

#include <cmath>

#include "linalg/search_ops.hpp"
#include "search/metric/l2.hpp"

namespace blindspot {
namespace {

constexpr double kLeastSlope = 1e-12;  // of a constraint: flatter ones are scaled as if they had it

}  // namespace

const Metric& metric_of(bs_norm norm) {
  switch (norm) {
    case BS_NORM_L2: break;
  }
  return l2_metric();
}

double scale_to_unit_slope(double slope) { return 1.0 / std::fmax(slope, kLeastSlope); }

double first_order_distance(const Metric& metric, const float* x, double s, double slope, const float* a, Box box,
                            std::size_t n, float* const* scratch) {
  if (!(slope > 0.0)) return HUGE_VAL;
  const double scale = scale_to_unit_slope(slope);
  float* const row = scratch[0];
  float* const nearest = scratch[1];
  search_ops().scaled_copy(a, static_cast<float>(scale), n, row);
  const double value = scale * s;
  const double start = std::fmax(0.0, value);  // as without a box
  const HalfspaceProjection projection = metric.project(x, &row, &value, 1, box, n, &start, nearest, kExactProjection);
  return projection.solved ? projection.length : HUGE_VAL;
}

}  // namespace blindspot
