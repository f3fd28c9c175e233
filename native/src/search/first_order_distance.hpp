// How far a boundary is from a point by the linearisation s + a . d at that point: |d| of the projection on
// {d : s + a . d <= 0} and the box.
#pragma once

#include <cstddef>

#include "search/halfspace_box.hpp"

namespace blindspot {

// slope: |a|. Infinite when the linearised boundary lies outside the box. scratch: two vectors, [n] each.
double first_order_distance(const float* x, double s, double slope, const float* a, Box box, std::size_t n,
                            float* const* scratch);

// What a constraint is multiplied with so that its gradient has norm 1.
double scale_to_unit_slope(double slope);

}  // namespace blindspot
