// Minimises the quadratic model over the free variables F of the generalised Cauchy point, the crossed
// ones C held at their bounds. With d = -g on F, z = bound - x on C, and r = d + W_F M W_C^T z the model's
// steepest descent on F after C has moved, the step from x is
//
//   delta_F = B_FF^-1 r = d / theta + W_F K^-1 (p + theta q) / theta^2,
//
//   K = M^-1 - W_F^T W_F / theta = [ -D - Y^T Z Z^T Y / theta     N^T            ]
//                                  [  N                           theta S^T A A^T S ]
//   N_ij = (S^T A A^T Y)_ij for i > j, -(S^T Z Z^T Y)_ij for i <= j,
//
// p = W_F^T d and q = W_C^T z as the Cauchy search leaves them: since W_F^T W_F = theta (M^-1 - K), neither M
// nor r is needed, and one pass over the rows does. When no pair has moved a variable of A, K's last
// block is 0 and N is triangular: the inverse update of plain L-BFGS in compact form, O(m^2).
//
// Sources: Byrd, Lu, Nocedal, Zhu 1995, section 5.1 (direct primal method); Morales, Nocedal 2011.
#pragma once

#include <cstddef>

#include "memory/aligned.hpp"
#include "optim/history.hpp"

namespace blindspot {

template <typename T>
class SubspaceMin {
 public:
  template <typename Source>
  void carve(Source& source, std::size_t memory) {
    inner_ = source.template take<double>(memory * memory);
    cross_ = source.template take<double>(memory * memory);
    outer_ = source.template take<double>(memory * memory);
  }

  // coefficients: [1 + 2 count], those of d and of the history's rows in delta = sum coefficient row.
  // False when rounding has made K singular.
  bool solve(const History<T>& history, const FreeProducts& products, const double* p, const double* q,
             double* coefficients);

 private:
  bool solve_triangular(const History<T>& history, const FreeProducts& products, double* v);
  bool solve_general(const History<T>& history, const FreeProducts& products, double* v);

  double* inner_ = nullptr;  // factor of D + Y^T Z Z^T Y / theta
  double* cross_ = nullptr;  // its transposed inverse times N^T
  double* outer_ = nullptr;  // factor of theta S^T A A^T S + N (D + Y^T Z Z^T Y / theta)^-1 N^T
};

extern template class SubspaceMin<float>;
extern template class SubspaceMin<double>;

// The fallback when the projected step is no descent: z = x_C + alpha (x + delta - x_C) with the largest alpha
// <= 1 inside the box, x_C = x + t d on the free variables. delta: as combined, overwritten with z - x.
// Crossed variables (free = 0, target set by the caller) are left alone.
template <typename T>
void truncate_step(const T* x, const T* d, double t, const T* lower, const T* upper, const T* free, T* delta, T* z,
                   std::size_t n);

extern template void truncate_step<float>(const float*, const float*, double, const float*, const float*, const float*,
                                          float*, float*, std::size_t);
extern template void truncate_step<double>(const double*, const double*, double, const double*, const double*,
                                           const double*, double*, double*, std::size_t);

}  // namespace blindspot
