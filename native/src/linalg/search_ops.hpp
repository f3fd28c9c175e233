// Vector kernels of the boundary search: the passes over an image that boundary_descent and halfspace_box make, each
// fused into one.
//
// They serve a model of the constraint that is itself good to a few digits, so, unlike the optimisers' (vector_ops.hpp),
// they work in float32: twice as many elements in a register, and no conversions. Elements are float, in the order of
// operations that is written down, never fused. Sums run in float over short runs and in double over those: element i is
// accumulated in float lane i mod 16 of its run, a run being kRun elements and the last n mod 16 elements one of
// their own; lanes of finished runs are added to 16 lanes of double, which are summed in vector_ops' tree. An error is
// then about 1e-7 of the sum of magnitudes. Callers scale gradients to norms about 1 (scaled_copy), so that no product leaves float32's range;
// and everything is measured from a point nearby, z or x, so that no large numbers cancel. The bits are the same on
// every set here, too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace blindspot {

inline constexpr int kMaxPlanes = 4;
inline constexpr std::size_t kRun = 512;

// What dual_line and dual_point find for d = y - z.
struct DualSums {
  double dd;  // sum d_i^2
  double ad;  // sum a_i d_i
  double aa;  // sum over free i of a_i^2
};

// What compare_points finds for the step d = y1 - y0 and f = y1 - x.
struct StepSums {
  double dd;   // sum d_i^2
  double a0d;  // sum a0_i d_i
  double a1d;  // sum a1_i d_i
  double ff;   // sum f_i^2
  double a1f;  // sum a1_i f_i
  // Over the coordinates that y1 has off the bounds:
  double free_ff;  // sum f_i^2
  double free_af;  // sum a1_i f_i
  double free_aa;  // sum a1_i^2
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
  // y_i = clip(z_i - mu a_i) in [lower, upper]; a coordinate is free when the unclipped value lies in the box.
  DualSums (*dual_line)(const float* z, const float* a, float mu, float lower, float upper, std::size_t n, float* y);
  // The same for several planes, value = z_i - mu_0 a_0i - mu_1 a_1i …: y, and residual[j] = sum_i a_ji d_i. Answers sum d_i^2.
  // 2 <= planes <= kMaxPlanes.
  double (*dual_point)(const float* z, const float* const* a, const float* mu, int planes, float lower, float upper,
                       std::size_t n, float* y, double* residual);
  // gram[j * kMaxPlanes + k] = sum of a_ji a_ki over the i with lower < y_i < upper.
  void (*dual_gram)(const float* y, const float* const* a, int planes, float lower, float upper, std::size_t n,
                    double* gram);

  // out_i = scale * a_i, or 0 where that is under 2^-40: products of what is left are no denormal numbers, which
  // processors multiply a hundred times slower.
  void (*scaled_copy)(const float* a, float scale, std::size_t n, float* out);
  // a1 = scaled_copy of gradient, kept in plane. d_i = y1_i - y0_i; change_i = a1_i - a0_i, or 0 where y1_i sits at a
  // bound and did not move, neither written when d is null; y0_i = y1_i at last.
  StepSums (*compare_points)(const float* x, float* y0, const float* y1, const float* a0, const float* gradient,
                             float scale, float lower, float upper, std::size_t n, float* plane, float* d,
                             float* change);
  // free where lower < target_i < upper: f_i = y_i - x_i and m_i = a_i there, 0 elsewhere.
  // Answers sum over the fixed i of a_i (target_i - y_i).
  double (*split_free)(const float* x, const float* y, const float* a, const float* target, float lower, float upper,
                       std::size_t n, float* f, float* m);
  // out_i = clip(y_i + scale * (free ? sum_j coeff[j] rows[j][i] : target_i - y_i)), free as above, summed in the order of j.
  MoveSums (*move)(const float* x, const float* y, const float* target, const float* coeff, const float* const* rows,
                   std::size_t k, float scale, float lower, float upper, std::size_t n, float* out);

  // out[2 j] = sum_i rows[j][i] u_i, out[2 j + 1] = sum_i rows[j][i] v_i, j < k
  void (*pair_dots)(const float* const* rows, std::size_t k, const float* u, const float* v, std::size_t n,
                    double* out);
  // out[j] = sum_i rows[j][i] (u_i - x_i), j < k
  void (*dots_from)(const float* const* rows, std::size_t k, const float* x, const float* u, std::size_t n,
                    double* out);
  // sum (a_i - b_i)^2
  double (*squared_distance)(const float* a, const float* b, std::size_t n);
  // out_i = clip(x_i + t (y_i - x_i)): rounded, the sum may lie beyond y_i.
  void (*between)(const float* x, const float* y, float t, float lower, float upper, std::size_t n, float* out);

  // out_i = clip(around_i + noise) for noise uniform in [-amplitude, amplitude), drawn from lane i mod 16 of state: 16 words,
  // none of them 0, each a generator xorshift32 (Marsaglia, Xorshift RNGs, J. Stat. Softw. 8(14), 2003), left advanced.
  void (*add_noise)(const float* around, float amplitude, float lower, float upper, std::size_t n, std::uint32_t* state,
                    float* out);

  // Of a proof: in double throughout, as vector_ops.
  StationaritySums (*stationarity)(const float* x, const float* y, const float* a, double mu, double lower,
                                   double upper, std::size_t n);
};

// The table for the instruction set in use.
const SearchOps& search_ops();

}  // namespace blindspot
