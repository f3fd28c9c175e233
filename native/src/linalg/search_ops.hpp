// Vector kernels of the adversarial search, float32 with every sum in double: the passes over an image that
// boundary_descent and halfspace_box make, each fused into one. Laws of order and rounding as in vector_ops.hpp.
#pragma once

#include <cstddef>

namespace blindspot {

inline constexpr int kMaxPlanes = 4;

// What compare_points finds for the step d = y1 - y0.
struct StepSums {
  double dd;    // sum d_i^2
  double a0d;   // sum a0_i d_i
  double a1d;   // sum a1_i d_i
  double ff;    // sum (y1_i - x_i)^2
  double a1a1;  // sum a1_i^2
};

// What move finds for the point that it writes.
struct MoveSums {
  double dd;  // sum (out_i - y_i)^2
  double ff;  // sum (out_i - x_i)^2
};

// What stationarity finds for g = f + mu a, f = y - x, over the coordinates that the box does not hold: all but those at
// the lower bound with g_i > 0 and at the upper one with g_i < 0.
struct StationaritySums {
  double gg;  // sum g_i^2
  double fa;  // sum f_i a_i
  double aa;  // sum a_i^2
  double ff;  // sum f_i^2 over all coordinates
};

struct SearchOps {
  // y_i = clip(z_i - sum_j mu_j a_ji) in [lower, upper], rounded to float when it is stored, not in the sums; a
  // coordinate is free when the unclipped value lies in the box. residual[j] = sum_i a_ji y_i; gram[j * kMaxPlanes + k] = sum over free i of a_ji a_ki.
  // Answers sum (y_i - z_i)^2. 0 <= planes <= kMaxPlanes.
  double (*dual_point)(const float* z, const float* const* a, const double* mu, int planes, double lower, double upper,
                       std::size_t n, float* y, double* residual, double* gram);
  // d_i = y1_i - y0_i; change_i = a1_i - a0_i, or 0 where y1_i sits at a bound and did not move.
  StepSums (*compare_points)(const float* x, const float* y0, const float* y1, const float* a0, const float* a1,
                             double lower, double upper, std::size_t n, float* d, float* change);
  // free where lower < target_i < upper: f_i = y_i - x_i and m_i = a_i there, 0 elsewhere.
  // Answers sum over the fixed i of a_i (target_i - y_i).
  double (*split_free)(const float* x, const float* y, const float* a, const float* target, double lower, double upper,
                       std::size_t n, float* f, float* m);
  // out_i = clip(y_i + scale * (free ? d_i : target_i - y_i)), free as above. out may be d or target.
  MoveSums (*move)(const float* x, const float* y, const float* d, const float* target, double scale, double lower,
                   double upper, std::size_t n, float* out);
  StationaritySums (*stationarity)(const float* x, const float* y, const float* a, double mu, double lower,
                                   double upper, std::size_t n);
  // out_i = x_i + t (y_i - x_i)
  void (*between)(const float* x, const float* y, double t, std::size_t n, float* out);
};

// The table for the instruction set in use.
const SearchOps& search_ops();

}  // namespace blindspot
