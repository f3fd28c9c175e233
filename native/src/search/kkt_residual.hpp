// How far a point y is from being a nearest point of {s <= 0} and the box to x.
//
// With f = y - x and a a gradient of the constraint, a minimum satisfies f + mu a = 0 for some mu >= 0, but for
// coordinates at a bound that f + mu a would push further out. mu is the least-squares one over the others.
#pragma once

#include <cstddef>

#include "search/halfspace_box.hpp"

namespace blindspot {

// |P(f + mu a)| / |f|; 0 for y = x.
double kkt_residual(const float* x, const float* y, const float* a, Box box, std::size_t n);

}  // namespace blindspot
