// Dense algebra on the small matrices of a limited-memory method (order at most kMaxMemory), in double.
//
// Row-major with a leading dimension. Inner loops run over columns and carry no sum, so that a compiler
// vectorises them without changing the order of any addition: same bits on every target.
#pragma once

#include <cmath>

namespace blindspot {

inline constexpr int kMaxMemory = 64;

// A = U^T U: U replaces the upper triangle of A, but its diagonal holds 1 / U_jj; the lower triangle is
// neither read nor written. False when A is not positive definite to rounding.
inline bool cholesky(double* a, int ld, int order) {
  for (int j = 0; j < order; ++j) {
    double* row = a + j * ld;
    const double pivot = row[j];
    if (!(pivot > 0.0) || !(pivot < HUGE_VAL)) return false;
    const double inverse = 1.0 / std::sqrt(pivot);
    row[j] = inverse;
    for (int k = j + 1; k < order; ++k) row[k] *= inverse;
    for (int i = j + 1; i < order; ++i) {
      double* below = a + i * ld;
      const double c = row[i];
      for (int k = i; k < order; ++k) below[k] -= c * row[k];
    }
  }
  return true;
}

// Both solves take the factor that cholesky leaves.

// b := U^-T b
inline void solve_lower(const double* u, int ld, int order, double* b) {
  for (int j = 0; j < order; ++j) {
    const double* row = u + j * ld;
    const double value = b[j] * row[j];
    b[j] = value;
    for (int k = j + 1; k < order; ++k) b[k] -= value * row[k];
  }
}

// b := U^-1 b
inline void solve_upper(const double* u, int ld, int order, double* b) {
  for (int j = order - 1; j >= 0; --j) {
    const double* row = u + j * ld;
    double value = b[j];
    for (int k = j + 1; k < order; ++k) value -= row[k] * b[k];
    b[j] = value * row[j];
  }
}

}  // namespace blindspot
