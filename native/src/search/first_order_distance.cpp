#include "search/first_order_distance.hpp"

#include <cmath>

#include "linalg/search_ops.hpp"

namespace blindspot {
namespace {

constexpr double kLeastSlope = 1e-12;  // of a constraint: flatter ones are scaled as if they had it

}  // namespace

double scale_to_unit_slope(double slope) { return 1.0 / std::fmax(slope, kLeastSlope); }

double first_order_distance(const float* x, double s, double slope, const float* a, Box box, std::size_t n,
                            float* const* scratch) {
  if (!(slope > 0.0)) return HUGE_VAL;
  const double scale = scale_to_unit_slope(slope);
  float* const row = scratch[0];
  search_ops().scaled_copy(a, static_cast<float>(scale), n, row);
  const double value = scale * s;
  const double start = std::fmax(0.0, value);  // as without a box
  const HalfspaceProjection projection = project_halfspaces(x, &row, &value, 1, box, n, &start, scratch[1]);
  return projection.solved ? std::sqrt(projection.squared_distance) : HUGE_VAL;
}

}  // namespace blindspot
