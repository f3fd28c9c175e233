// Euclidean projection of a point on halfspaces and a box:
//
//   min 1/2 |d|^2   subject to   b_j + a_j . d <= 0 (j < planes),   lower <= z + d <= upper
//
// by its dual in the multipliers mu >= 0. For fixed mu the minimiser is z + d(mu) = clip(z - sum mu_j a_j), and the
// dual's gradient is r_j = b_j + a_j . d(mu), its (generalised) Hessian -A_F A_F^T over the coordinates F that the
// box leaves free. A semismooth Newton step solves the small quadratic program with that Hessian; it ends at the
// exact projection as soon as F no longer changes, usually after two to four steps.
#pragma once

#include <cstddef>

#include "linalg/search_ops.hpp"
#include "search/metric/box.hpp"

namespace blindspot {

inline constexpr double kExactProjection = 1e-7;
// Distances are computed to about this, relative to |d|: no tolerance is met below.
inline constexpr double kProjectionPrecision = 3e-7;

struct HalfspaceProjection {
  bool solved = false;  // residuals within tolerance; false when the set is empty or nearly so
  double multipliers[kMaxPlanes] = {};
  double length = 0.0;  // |d|
};

// rows: planes >= 1 pointers to a_j, of norms about 1; values: b_j, the constraint at z. The multipliers of `start` (or
// zeros) warm-start the dual. Writes y = z + d, [n]. Solved when the distances to the halfspaces (those with a multiplier) are within
// tolerance.
HalfspaceProjection project_halfspaces(const float* z, const float* const* rows, const double* values, int planes,
                                       Box box, std::size_t n, const double* start, float* y,
                                       double tolerance = kExactProjection);

}  // namespace blindspot
