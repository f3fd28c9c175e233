// Vector kernels: one source, one object per instruction set, chosen once at create.
//
// Every reduction runs over 16 virtual lanes of double: element i is accumulated in lane i mod 16, in
// order, and the lanes are summed in the fixed tree ((l0+l8)+(l4+l12))+… (halving strides 8, 4, 2, 1).
// Products are formed in double (exact for float inputs), never fused. So the bits are the same on
// every instruction set and in WebAssembly.
//
// Element-wise operations on T round once an operation, in the order written in the comment.
#pragma once

#include <cstddef>

namespace blindspot {

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
};

// The table for the instruction set in use (see instruction_set.hpp).
template <typename T>
const VectorOps<T>& vector_ops();

}  // namespace blindspot
