// What a search asks of the norm that changes are measured in.
//
// Everything that is Euclidean by choice, not by nature, is behind this interface: lengths, the nearest point of linearised
// constraints, the proof of a minimum, noise, and the price of a level. L2 is its only member. Another norm brings these; what stays
// Euclidean whatever the norm is the quasi-Newton step of boundary_descent (its curvature is that of 1/2 |y - x|_2^2) and the penalty of
// the paper's method.
//
// Calls pass whole vectors, so that a virtual one costs nothing beside them. Members keep no state.
#pragma once

#include <cstddef>

#include "blindspot/blindspot.h"
#include "search/metric/box.hpp"
#include "search/metric/halfspace_box.hpp"

namespace blindspot {

class Metric {
 public:
  // |y - x|.
  virtual double length(const float* x, const float* y, std::size_t n) const = 0;

  // The dual norm of a: how fast a linear function of this gradient falls, a unit of length.
  virtual double dual_length(const float* a, std::size_t n) const = 0;

  // The largest length in the box.
  virtual double diagonal(Box box, std::size_t n) const = 0;

  // The amplitude of noise that is uniform in every pixel, and about so long.
  virtual double noise_amplitude(double length, std::size_t n) const = 0;

  // The point y nearest to z with values_j + rows_j . (y - z) <= 0 (j < planes) in the box, as project_halfspaces has it.
  virtual HalfspaceProjection project(const float* z, const float* const* rows, const double* values, int planes,
                                      Box box, std::size_t n, const double* start, float* y,
                                      double tolerance) const = 0;

  // How far y is from a minimum of |y - x| subject to s <= 0 and the box, a the gradient of s there: 0 at one, and for y = x.
  virtual double kkt_residual(const float* x, const float* y, const float* a, Box box, std::size_t n) const = 0;

  // price_i: what a move of point_i by `step` against the sign of a_i adds to the length (or to a power of it, where that is a sum
  // over the pixels), per unit that s + a . d falls. Without a meaning where a_i is 0.
  virtual void level_prices(const float* x, const float* point, const float* a, double step, std::size_t n,
                            float* price) const = 0;

 protected:
  ~Metric() = default;
};

const Metric& metric_of(bs_norm norm);

// How far a boundary is from x by the linearisation s + a . d there, slope = |a|_2: infinite when it lies outside the box.
// scratch: two vectors, [n] each.
double first_order_distance(const Metric& metric, const float* x, double s, double slope, const float* a, Box box,
                            std::size_t n, float* const* scratch);

// What a constraint is multiplied with so that its gradient has Euclidean norm 1, as projections want it.
double scale_to_unit_slope(double slope);

}  // namespace blindspot
