// Vector kernels: one source, one object per instruction set, chosen once at create.
//
// Every reduction runs over 16 virtual lanes of double: element i is accumulated in lane i mod 16, in
// order, and the lanes are summed in the fixed tree ((l0+l8)+(l4+l12))+… (halving strides 8, 4, 2, 1).
// Products are formed in double (exact for float inputs), never fused. So the bits are the same on
// every instruction set and in WebAssembly.
//
// Element-wise operations on T round once an operation, in the order written in the comment; those that
// say "in double" round to T once, at the end. No vector may overlap another unless it is the same one.
#pragma once

#include <cstddef>

namespace blindspot {

// What scan_gradient finds at a point x with gradient g in the box [l, u].
struct GradientScan {
  double pg_norm;       // max |P(x - g) - x|
  double squared_norm;  // sum d_i^2
  bool all_free;
  bool changed;  // some element is free now and was not before, or the other way round
};

// What make_pair finds for s = x1 - x0 and y = g1 - g0.
struct PairScan {
  double sy, yy, ss;
  double free_yy;  // sum of y_i^2 over the free elements
};

// What project_step finds for the direction d = P(x + delta) - x.
struct StepScan {
  double slope;         // sum g_i d_i
  double squared_norm;  // sum d_i^2
  bool clipped;         // some element reached a bound
};

template <typename T>
struct VectorOps {
  // sum a_i b_i
  double (*dot)(const T* a, const T* b, std::size_t n);
  // out[j] = sum_i rows[j][i] v_i, j < k: v is read once for several rows
  void (*multi_dot)(const T* const* rows, std::size_t k, const T* v, std::size_t n, double* out);
  // y_i += alpha x_i          (T)alpha
  void (*axpy)(double alpha, const T* x, T* y, std::size_t n);
  // y_i += sum_j coeff[j] rows[j][i], summed in double in the order of j, rounded once to T
  void (*multi_axpy)(const double* coeff, const T* const* rows, std::size_t k, T* y, std::size_t n);
  // out_i = a_i - b_i
  void (*subtract)(const T* a, const T* b, T* out, std::size_t n);
  // sum (a_i - b_i)^2, the difference in double
  double (*squared_distance)(const T* a, const T* b, std::size_t n);

  // out[2 j + q] = sum_i rows[j][i] vectors[q][i], j < k, q < 2
  void (*double_dot)(const T* const* rows, std::size_t k, const T* const* vectors, std::size_t n, double* out);
  // out[3 j + q] = sum_i rows[j][i] vectors[q][i], j < k, q < 3
  void (*triple_dot)(const T* const* rows, std::size_t k, const T* const* vectors, std::size_t n, double* out);
  // out_i = sum_j coeff[j] rows[j][i], in double in the order of j
  void (*combine)(const double* coeff, const T* const* rows, std::size_t k, T* out, std::size_t n);
  // out_i = min(max(x_i + alpha d_i, l_i), u_i), in double; out may be x or d
  void (*clipped_step)(double alpha, const T* x, const T* d, const T* l, const T* u, T* out, std::size_t n);
  // An element is blocked when it is at its lower bound with g_i >= 0 or at its upper one with g_i <= 0.
  // d_i = blocked ? 0 : -g_i; free_i = blocked ? 0 : 1, compared with was_free_i. P(x - g) - x in T.
  GradientScan (*scan_gradient)(const T* x, const T* g, const T* l, const T* u, const T* was_free, T* d, T* free,
                                std::size_t n);
  // s_i = x1_i - x0_i, y_i = g1_i - g0_i, free_y_i = free_i ? y_i : 0
  PairScan (*make_pair)(const T* x1, const T* x0, const T* g1, const T* g0, const T* free, T* s, T* y, T* free_y,
                        std::size_t n);
  // z_i = P(x_i + (free_i ? d_i : 0)), d_i = z_i - x_i
  StepScan (*project_step)(const T* x, const T* g, const T* l, const T* u, const T* free, T* d, T* z, std::size_t n);
  // Is x_i + (T)t d_i outside [l_i, u_i] for some i?
  bool (*leaves_box)(double t, const T* x, const T* d, const T* l, const T* u, std::size_t n);
  // The largest alpha with l <= x + alpha d <= u: min over d_i < 0 of (l_i - x_i) / d_i and over d_i > 0
  // of (u_i - x_i) / d_i; infinity when no bound is met
  double (*longest_step)(const T* x, const T* d, const T* l, const T* u, std::size_t n);
  bool (*all_finite)(const T* a, std::size_t n);
};

// The table for the instruction set in use (see instruction_set.hpp).
template <typename T>
const VectorOps<T>& vector_ops();

}  // namespace blindspot
